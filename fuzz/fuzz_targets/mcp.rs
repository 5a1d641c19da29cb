#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| humans2ai::fuzzing::mcp(bytes));
