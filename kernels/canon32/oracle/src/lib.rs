//! Nothing but a test: `cargo test --manifest-path kernels/canon32/oracle/Cargo.toml`.
