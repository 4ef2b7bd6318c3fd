#pragma once
// Hot loops are compiled once per instruction set and chosen at load time, so that one generic binary uses AVX-512
// where it is. Sanitizer runtimes are not up yet when the choice is made (it runs in an ifunc resolver), so those
// builds go without.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(ITM_SANITIZED)
#define ITM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ITM_CLONES
#endif
