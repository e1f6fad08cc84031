//! Tells the linker what a program without libc needs. Here and not in `.cargo/config.toml`, which counts only for builds
//! that are started in this folder.

fn main() {
    for argument in [
        "-nostartfiles", // `_start` is ours, in src/sys.rs
        "-nostdlib",     // nothing is linked that this package did not compile
        "-static",       // no interpreter loads it
        "-no-pie",       // so nobody has to relocate it when it starts
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
