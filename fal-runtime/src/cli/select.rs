//! Selects the app to serve.

use crate::app::Declaration;

/// Why no app can be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectError {
    #[error(
        "this program has no app; if the app is in a library crate, the program must refer to that crate: write \
         `use my_app as _;` in main.rs"
    )]
    None,
    #[error("this program has several apps: select one with `--app`: {}", .0.join(", "))]
    Several(Vec<&'static str>),
    #[error("this program has no app `{name}`; its apps are: {}", known.join(", "))]
    Unknown { name: String, known: Vec<&'static str> },
    #[error("the app `{name}` cannot be served: {}", problems.join("; "))]
    Unfit { name: &'static str, problems: Vec<String> },
}

/// The app of this name, or the only app of the program if no name is given.
pub(crate) fn app(name: Option<&str>) -> Result<&'static Declaration, SelectError> {
    let apps = Declaration::all();
    let names: Vec<_> = apps.iter().map(|app| app.settings.name()).collect();
    let chosen = choose(&names, name)?;
    let app = apps.into_iter().nth(chosen).ok_or(SelectError::None)?;
    validate(&[app]).map(|()| app)
}

/// The names of the apps of this program.
#[cfg(feature = "host")]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    Declaration::all().into_iter().map(|app| app.settings.name())
}

/// Checks that these apps can be served. The error is about the first that cannot.
pub(crate) fn validate(apps: &[&Declaration]) -> Result<(), SelectError> {
    for app in apps {
        let problems = app.problems();
        if !problems.is_empty() {
            return Err(SelectError::Unfit { name: app.settings.name(), problems });
        }
    }
    Ok(())
}

fn choose(apps: &[&'static str], name: Option<&str>) -> Result<usize, SelectError> {
    match (apps, name) {
        ([], _) => Err(SelectError::None),
        ([_], None) => Ok(0),
        (apps, None) => Err(SelectError::Several(apps.to_vec())),
        (apps, Some(name)) => apps
            .iter()
            .position(|app| *app == name)
            .ok_or_else(|| SelectError::Unknown { name: name.to_owned(), known: apps.to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_app_needs_no_name() {
        assert_eq!(choose(&["one"], None), Ok(0));
        assert_eq!(choose(&["one"], Some("one")), Ok(0));
    }

    #[test]
    fn one_of_several_apps_needs_a_name() {
        assert_eq!(choose(&["one", "two"], Some("two")), Ok(1));
        let error = choose(&["one", "two"], None).unwrap_err().to_string();
        assert!(error.ends_with("`--app`: one, two"), "{error}");
    }

    #[test]
    fn the_error_for_an_unknown_name_lists_the_apps() {
        let error = choose(&["one", "two"], Some("three")).unwrap_err().to_string();
        assert_eq!(error, "this program has no app `three`; its apps are: one, two");
    }

    #[test]
    fn the_error_without_an_app_says_how_to_link_one() {
        assert!(choose(&[], Some("one")).unwrap_err().to_string().contains("use my_app as _;"));
    }
}
