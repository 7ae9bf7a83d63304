use crate::Declaration;

/// Why there is no app to serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectError {
    #[error(
        "this program has no app; an app in a library crate is there only if the program refers to that crate: \
         write `use my_app as _;` in main.rs"
    )]
    None,
    #[error("this program has several apps, so say which with `--app`: {}", .0.join(", "))]
    Several(Vec<&'static str>),
    #[error("this program has no app `{name}`, but {}", known.join(", "))]
    Unknown { name: String, known: Vec<&'static str> },
    #[error("the app `{name}` cannot be served: {}", problems.join("; "))]
    Unfit { name: &'static str, problems: Vec<String> },
}

/// The app of this name among those of the binary; without a name, the only one.
pub(crate) fn app(name: Option<&str>) -> Result<&'static Declaration, SelectError> {
    let apps = Declaration::all();
    let names: Vec<_> = apps.iter().map(|app| app.settings.name()).collect();
    let chosen = choose(&names, name)?;
    let app = apps.into_iter().nth(chosen).ok_or(SelectError::None)?;
    fit(&[app]).map(|()| app)
}

/// Whether these apps can be served; of those that cannot, the first says why.
pub(crate) fn fit(apps: &[&Declaration]) -> Result<(), SelectError> {
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
    fn of_several_apps_one_is_named() {
        assert_eq!(choose(&["one", "two"], Some("two")), Ok(1));
        let error = choose(&["one", "two"], None).unwrap_err().to_string();
        assert!(error.ends_with("`--app`: one, two"), "{error}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = choose(&["one", "two"], Some("three")).unwrap_err().to_string();
        assert_eq!(error, "this program has no app `three`, but one, two");
    }

    #[test]
    fn without_an_app_the_error_says_how_to_link_one() {
        assert!(choose(&[], Some("one")).unwrap_err().to_string().contains("use my_app as _;"));
    }
}
