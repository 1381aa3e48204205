//! Every transcript, in every order that it allows: whole, byte by byte and split at random

use ftp_tests::script::{Script, run_script};

#[test]
fn transcripts_run_as_written() {
    let scripts = Script::all();
    assert!(scripts.len() > 100, "the transcripts are missing");
    let mut failures = Vec::new();
    let mut runs = 0;
    for script in &scripts {
        match std::panic::catch_unwind(|| run_script(script, 8)) {
            Ok(count) => runs += count,
            Err(_) => failures.push(script.name.clone()),
        }
    }
    println!("{} transcripts, {runs} runs", scripts.len());
    assert!(failures.is_empty(), "{failures:#?}");
}
