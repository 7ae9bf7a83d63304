//! The text of a page of HTML, as one short line.

/// How many characters of a page are shown.
const MAX_TEXT: usize = 200;

/// The text of the page's body without tags, in one line. `None` if it is not a page.
pub(super) fn text_of_page(page: &str) -> Option<String> {
    // The case of ASCII letters does not change the length.
    let lower = page.to_ascii_lowercase();
    if !lower.starts_with("<!doctype html") && !lower.starts_with("<html") {
        return None;
    }
    let body = lower.find("<body").and_then(|start| page.get(start..)).unwrap_or(page);
    let mut text = String::new();
    for (index, piece) in body.split('<').enumerate() {
        // A piece begins within a tag, except the first one.
        let shown = if index == 0 { piece } else { piece.split_once('>').map_or("", |(_, text)| text) };
        text.push_str(shown);
        text.push(' ');
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line.chars().take(MAX_TEXT).collect()).filter(|line: &String| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_line_without_tags_s85a() {
        let page = "<!DOCTYPE HTML>\n<html lang=\"en\">\n  <head><title>Error</title></head>\n  <body>\n    <h1>Error response</h1>\n    \
                    <p>Error code: 404</p>\n  </body>\n</html>";
        assert_eq!(text_of_page(page).unwrap(), "Error response Error code: 404");
        assert_eq!(text_of_page("<html><h1>Not Found</h1></html>").unwrap(), "Not Found");
        assert_eq!(text_of_page(&format!("<html>{}", "a".repeat(900))).unwrap().len(), MAX_TEXT);
        assert_eq!(text_of_page("no disk < 3 GB"), None);
        assert_eq!(text_of_page("<html><body></body></html>"), None);
    }
}
