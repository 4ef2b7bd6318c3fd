#pragma once
// Switching between stacks. A kernel that shuffles switches 300 times per warp and reduction, and the C library's
// swapcontext() asks the system for its signal mask each time; on x86-64 a few instructions do. AddressSanitizer is
// told where the stacks are, other sanitizers follow the C library only.

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef ITM_TELL_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__x86_64__) && (defined(ITM_TELL_ADDRESS_SANITIZER) || !defined(ITM_SANITIZED))
#define ITM_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

namespace itm::host_cuda {

#ifdef ITM_OWN_SWITCH

/// Where a stack was left: the registers that a call preserves lie on top of it.
struct Context {
  void* top = nullptr;
  const void* stack = nullptr;  // for AddressSanitizer
  std::size_t bytes = 0;
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

/// What comes first on a stack that was switched to. `main` is the stack of a thread, unknown until it is left.
inline void arrive([[maybe_unused]] Context& main, [[maybe_unused]] void* locals = nullptr) {
#ifdef ITM_TELL_ADDRESS_SANITIZER
  Context left;
  __sanitizer_finish_switch_fiber(locals, &left.stack, &left.bytes);
  if (main.stack == nullptr) {
    main.stack = left.stack;
    main.bytes = left.bytes;
  }
#endif
}

/// Goes on in `to`; comes back when somebody switches to `from`.
inline void switch_context(Context& from, const Context& to, Context& main) {
  void* locals = nullptr;
#ifdef ITM_TELL_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(&locals, to.stack, to.bytes);
#endif
  itm_switch_stack(&from.top, to.top);
  arrive(main, locals);
}

/// The next switch to `context` calls entry() on this stack. It must not return.
inline void begin_on_stack(Context& context, char* stack, std::size_t bytes, void (*entry)()) {
  // A function begins with the stack pointer eight bytes off a multiple of sixteen: the return address was pushed.
  auto end = (reinterpret_cast<std::uintptr_t>(stack) + bytes) & ~std::uintptr_t{15};
  std::uint64_t frame[8] = {};  // six registers, the entry, and no caller
  frame[6] = reinterpret_cast<std::uint64_t>(entry);
  context.top = reinterpret_cast<void*>(end - sizeof frame);
  std::memcpy(context.top, frame, sizeof frame);
  context.stack = stack;
  context.bytes = bytes;
}

#else

struct Context {
  ucontext_t place{};
};

inline void switch_context(Context& from, const Context& to, Context&) { swapcontext(&from.place, &to.place); }
inline void arrive(Context&) {}

inline void begin_on_stack(Context& context, char* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context.place);
  context.place.uc_stack.ss_sp = stack;
  context.place.uc_stack.ss_size = bytes;
  context.place.uc_link = nullptr;
  makecontext(&context.place, entry, 0);
}

#endif

}  // namespace itm::host_cuda
