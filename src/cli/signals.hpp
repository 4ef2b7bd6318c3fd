#pragma once
// Ctrl-C and its kin (SIGINT, SIGTERM, SIGXCPU, and SIGHUP of a run in the foreground). The first one asks: work stops
// at the next safe point. What has not stopped after 0.8 s - it opens a file, or is deep in a library - is ended by a
// thread of its own, which also answers a second signal, and SIGQUIT, at once. Temporary files are gone in every case.

#include <string>

namespace itm::cli {

/// First of all in main(). Signals that the caller ignores (nohup, a script's background) stay ignored; SIGPIPE and
/// SIGXFSZ are from now on, so that writing says what is wrong. SIGHUP ends what runs in the foreground of a terminal
/// and nothing else.
void catch_signals();

/// Whether the person wants the work to stop.
[[nodiscard]] bool cancelled() noexcept;

/// What is said when the work has to be ended; default: that of Interrupted.
void say_when_interrupted(std::string sentence);

/// Before the last words of the program, so that they are said once. Does not return where the signals' thread is about
/// to end the process.
void begin_last_words() noexcept;

}  // namespace itm::cli
