#pragma once
// What the program says to whoever called it; docs/command.md has it for users.

namespace larder::command {

/// In order of gravity: of several files the gravest counts.
enum class exit_status {
  fine = 0,
  damaged = 1,   ///< the bytes of a file are not what the format demands
  unusable = 2,  ///< wrong use, or the system refused: nothing is known of a file, or nothing was written
};

}  // namespace larder::command
