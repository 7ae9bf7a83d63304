//! The page about the command line has every option of a host, with its variable and its default.

use crate::sources::read;

const DECLARED: [&str; 2] = ["fal-host/src/cli/host_options.rs", "fal-host/src/cli/app_spec_options.rs"];

/// The beginning of an option's row: its name, its variable, and its default if it has one.
fn rows(path: &str) -> Vec<(String, String)> {
    let text = read(path).text;
    let options = text.split("#[arg(long").skip(1);
    options
        .map(|option| {
            let (attribute, field) = option.split_once("pub(super) ").unwrap();
            let name = field.split(':').next().unwrap().replace('_', "-");
            let value = |key: &str| {
                attribute.split_once(&format!("{key} = \"")).map(|(_, rest)| rest.split('"').next().unwrap())
            };
            let value_name = value("value_name").map_or_else(String::new, |value| format!(" {value}"));
            let default = value("default_value").map_or_else(String::new, |default| format!("`{default}` "));
            let variable = value("env").unwrap();
            (name.clone(), format!("| `--{name}{value_name}` | `{variable}` | {default}|"))
        })
        .collect()
}

#[test]
fn the_page_about_options_has_each_with_its_variable_and_default() {
    let page = read("docs/options.md").text;
    for path in DECLARED {
        let rows = rows(path);
        assert!(rows.len() > 5, "{path} has {} options: they are not found right", rows.len());
        for (name, row) in rows {
            assert!(
                page.lines().any(|line| line.starts_with(&row)),
                "docs/options.md: no row for --{name}:\n{row}"
            );
        }
    }
}
