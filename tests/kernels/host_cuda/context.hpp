#pragma once
// Switching between stacks. A kernel that shuffles switches 300 times per warp and reduction, and the C library's
// swapcontext() asks the system for its signal mask each time; on x86-64 a few instructions do. Sanitizers follow the C
// library only.

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && !defined(ITM_SANITIZED)
#define ITM_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

namespace itm::host_cuda {

#ifdef ITM_OWN_SWITCH

/// Where a stack was left: the registers that a call preserves lie on top of it.
struct Context {
  void* top = nullptr;
};

extern "C" void itm_switch_stack(void** from, void* to);
// NOLINTNEXTLINE(hicpp-no-assembler)
asm(R"(
  .text
  .globl itm_switch_stack
  .type itm_switch_stack, @function
itm_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size itm_switch_stack, .-itm_switch_stack
)");

/// Goes on in `to`; comes back when somebody switches to `from`.
inline void switch_context(Context& from, const Context& to) { itm_switch_stack(&from.top, to.top); }

/// The next switch to `context` calls entry() on this stack. It must not return.
inline void begin_on_stack(Context& context, char* stack, std::size_t bytes, void (*entry)()) {
  // A function begins with the stack pointer eight bytes off a multiple of sixteen: the return address was pushed.
  auto end = (reinterpret_cast<std::uintptr_t>(stack) + bytes) & ~std::uintptr_t{15};
  std::uint64_t frame[8] = {};  // six registers, the entry, and no caller
  frame[6] = reinterpret_cast<std::uint64_t>(entry);
  context.top = reinterpret_cast<void*>(end - sizeof frame);
  std::memcpy(context.top, frame, sizeof frame);
}

#else

struct Context {
  ucontext_t place{};
};

inline void switch_context(Context& from, const Context& to) { swapcontext(&from.place, &to.place); }

inline void begin_on_stack(Context& context, char* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context.place);
  context.place.uc_stack.ss_sp = stack;
  context.place.uc_stack.ss_size = bytes;
  context.place.uc_link = nullptr;
  makecontext(&context.place, entry, 0);
}

#endif

}  // namespace itm::host_cuda
