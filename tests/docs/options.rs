//! The page about the command line has every option of a host, with its variable and its default.

use crate::sources::{Source, all, read};

/// The beginning of an option's row: its name, its variable, and its default if it has one.
fn rows(source: &Source) -> Vec<(String, String)> {
    let options = source.text.split("#[arg(long").skip(1);
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
    let declared = all(&["_options.rs"]);
    let rows: Vec<_> =
        declared.iter().filter(|file| file.path.starts_with("fal-host/src/cli/")).flat_map(rows).collect();
    assert!(rows.len() > 25, "{} options: they are not found right", rows.len());
    for (name, row) in rows {
        assert!(
            page.lines().any(|line| line.starts_with(&row)),
            "docs/options.md: no row for --{name}:\n{row}"
        );
    }
}
