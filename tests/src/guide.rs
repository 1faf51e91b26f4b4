//! The pages of the guide: every Rust block in them is a doc test.

#![allow(clippy::needless_doctest_main, reason = "the guide shows whole programs")]

/// A module for each page, so that a failing block names its page.
macro_rules! pages {
    ($($(#[$attribute:meta])* $name:ident: $file:literal,)*) => {$(
        $(#[$attribute])*
        #[doc = include_str!(concat!("../../docs/guide/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    introduction: "introduction.md",
    install: "install.md",
    connecting: "connecting.md",
    first_turn: "first-turn.md",
    threads: "threads.md",
    streaming: "streaming.md",
    usage_and_agents: "usage-and-agents.md",
    approvals: "approvals.md",
    front_ends: "front-ends.md",
    a_front_end: "a-front-end.md",
    structured_output: "structured-output.md",
    tools: "tools.md",
    #[cfg(feature = "experimental")]
    whole_turn: "whole-turn.md",
    #[cfg(unix)]
    share_one_server: "share-one-server.md",
    when_the_server_dies: "when-the-server-dies.md",
    errors_and_retry: "errors-and-retry.md",
    testing: "testing.md",
    new_codex_versions: "new-codex-versions.md",
    sync_or_async: "sync-or-async.md",
    relay: "relay.md",
    faq: "faq.md",
    coming_from_python: "coming-from-python.md",
}
