//! The home that codex is given.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use codex_appserver_testkit::{CodexHome, MockModel};

fn config(home: &CodexHome) -> String {
    std::fs::read_to_string(home.codex_home().join("config.toml")).expect("config.toml is there")
}

#[test]
fn the_mock_is_the_only_model_and_extra_lines_have_their_place() {
    let model = MockModel::start().expect("it starts");
    let home = CodexHome::builder(&model)
        .setting("show_raw_agent_reasoning = true")
        .feature("apps", true)
        .feature("goals", false)
        .config("[tools.update_plan]\nenabled = true")
        .build()
        .expect("the home is made");
    let config = config(&home);
    assert!(config.contains(&format!("base_url = \"{}\"", model.base_url())), "{config}");
    let place = |text: &str| config.find(text).unwrap_or_else(|| panic!("{text} is missing from {config}"));
    assert!(place("show_raw_agent_reasoning") < place("[analytics]"), "{config}");
    assert!(place("[model_providers.mock]") < place("[tools.update_plan]"), "{config}");
    assert!(place("[features]") < place("apps = true") && place("goals = false") < place("[model_pro"));
    assert!(!config.contains("apps = false"), "{config}");
    // A table or key that occurs twice would be fatal to codex.
    let mut counts = BTreeMap::new();
    for line in config.lines().filter(|line| line.starts_with('[')) {
        *counts.entry(line).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn the_command_knows_nothing_of_the_user() {
    let home = CodexHome::without_model().build().expect("the home is made");
    let command = home.command("/bin/codex");
    assert_eq!(command.get_program(), "/bin/codex");
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["app-server"]);
    assert_eq!(command.get_current_dir(), Some(home.workspace().as_path()));
    let value = |key: &str| command.get_envs().find(|(name, _)| *name == key).and_then(|(_, value)| value);
    assert_eq!(value("CODEX_HOME"), Some(home.codex_home().as_os_str()));
    assert_eq!(value("HOME"), Some(home.user_home().as_os_str()));
    assert_eq!(value("PATH"), std::env::var_os("PATH").as_deref().map(OsStr::new));
    assert_eq!(value("CARGO_MANIFEST_DIR"), None);
    assert!(!home.codex_home().starts_with(home.tmp()));
}

#[test]
fn a_home_is_gone_with_its_owner() {
    let home = CodexHome::without_model().build().expect("the home is made");
    let root = home.root().to_owned();
    assert!(root.join("workspace").is_dir());
    drop(home);
    assert!(!root.exists());
}
