//! The program `peyvand`.

fn main() {}
