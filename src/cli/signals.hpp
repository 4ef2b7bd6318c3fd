#pragma once
// Ctrl-C. The first one asks: work stops at the next safe point and nothing half-written stays. The second one kills.

namespace itm::cli {

/// From now on SIGINT and SIGTERM set the flag that cancelled() reads.
void catch_interrupts();

[[nodiscard]] bool cancelled() noexcept;

}  // namespace itm::cli
