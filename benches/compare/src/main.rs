//! All of the comparison, but for the heap.

fn main() -> std::process::ExitCode {
    compare::main(None)
}
