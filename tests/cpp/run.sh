#!/usr/bin/env bash
# Builds and runs the C++ unit tests: of the code that knows nothing of TVM.
# Usage: tests/cpp/run.sh FOLDER_OF_PROGRAMS (where cmake may be, if it is not on the PATH)
set -eu
cd "$(dirname "$0")/../.."
PATH="$PATH:$PWD/$1"
if ! echo '#include <gtest/gtest.h>' | "${CXX:-c++}" -E -x c++ - >/dev/null 2>&1; then
  echo "C++ tests skipped: GoogleTest is not installed (Debian: apt-get install libgtest-dev)."
  exit 0
fi
if ! command -v cmake >/dev/null; then
  echo "C++ tests skipped: cmake is not installed."
  exit 0
fi
cmake -S tests/cpp -B build/cpp-tests -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build/cpp-tests -j 2 >/dev/null
ctest --test-dir build/cpp-tests --output-on-failure -j 2 | tail -n 5
