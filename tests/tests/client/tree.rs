//! What a program for threads takes along.

use codex_appserver_tests::repo::cargo;

#[test]
fn a_client_for_threads_has_no_tokio_in_its_tree() {
    let tree = |features: &str| {
        let arguments = ["tree", "--locked", "--offline", "-p", "codex-appserver-client", "-e", "normal"];
        let output = cargo().args(arguments).args(["--no-default-features", "--features", features]).output();
        let output = output.expect("cargo runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    assert!(!tree("blocking,ws,experimental").contains("tokio"));
    assert!(tree("async").contains("tokio"), "the name is another one");
}
