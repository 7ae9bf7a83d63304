//! The page of the endpoints: S78.

use crate::harness::*;

/// The fixture without a host, with these options.
fn serve(director: &Director, options: &[&str]) -> Program {
    let arguments = ["serve", "--app", "documented", "--listen", "tcp:127.0.0.1:0"];
    Program::start(fixture(director).args(arguments).args(options))
}

#[tokio::test]
async fn a_browser_gets_one_page_of_all_endpoints_s78a_s78b() {
    let director = Director::new();
    for program in [
        serve(&director, &["--docs"]),
        Program::run(&director, &["--app", "documented", "--docs"]),
        Program::start(fixture(&director).env("FAL_DOCS", "on").args([
            "--app",
            "documented",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "off",
        ])),
    ] {
        let page = program.exchange(&Request::get("/docs")).await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        let policy = page.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_own_inline_parts(&page);
        let text = String::from_utf8(page.body.clone()).unwrap();
        for elsewhere in ["src=", "<link rel=\"stylesheet", "@import", "import("] {
            assert!(!text.contains(elsewhere), "{elsewhere}");
        }
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text.contains(markup), "{markup}");
        }
        assert_eq!(program.exchange(&Request::post("/docs", &serde_json::Value::Null)).await.status, 405);
    }
}

#[tokio::test]
async fn without_the_setting_there_is_no_page_of_the_endpoints_s78a() {
    let director = Director::new();
    let off = Program::start(fixture(&director).env("FAL_DOCS", "on").args([
        "run",
        "--app",
        "documented",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        "--docs=false",
    ]));
    for program in [off, serve(&director, &[]), Program::run(&director, &["--app", "documented"])] {
        assert_eq!(program.exchange(&Request::get("/docs")).await.status, 404);
    }
}

#[tokio::test]
async fn an_endpoint_with_the_path_of_the_page_takes_precedence_s78a() {
    let director = Director::new();
    let program = Program::start(fixture(&director).args([
        "serve",
        "--app",
        "own-docs",
        "--listen",
        "tcp:127.0.0.1:0",
        "--docs",
    ]));
    let own = program.exchange(&Request::get("/docs")).await;
    assert_eq!((own.status, own.json()), (200, "the documents of the app".into()));
    program.stderr.line("an endpoint of the app has the path /docs").await;
}
