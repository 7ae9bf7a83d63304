//! The command line, and what it prints.

use fal_tests::Answer;
use serde_json::Value;

use crate::harness::*;

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let director = Director::new();
    let output = output(fixture(&director).args(arguments)).await;
    (output.code, output.stdout, output.stderr)
}

#[tokio::test]
async fn run_says_what_is_served_and_where_and_by_which_settings_its_health_is_judged_s8() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "blocking"]);
    host.admin().await;
    let text = host.stdout.text();
    let address = host.address().await;
    assert!(text.starts_with(&format!("blocking {} serves on http://{address}", env!("CARGO_PKG_VERSION"))));
    for said in [
        "/call",
        "Does what the director says, on a thread.",
        "POST /alive",
        "50ms",
        "3 failed checks",
        "1m",
        "startup_timeout",
    ] {
        assert!(text.contains(said), "{said:?} is missing in {text}");
    }
    host.stderr.line("IDLE runner=1").await;
    host.stderr.line("SETUP runner=1 pid= effective_start_period=60s").await;
}

#[tokio::test]
async fn the_same_options_work_without_the_subcommand_and_from_the_environment() {
    let director = Director::new();
    let mut command = fixture(&director);
    command.args(["--app", "scripted", "--listen", "127.0.0.1:0"]);
    let host = Program::start(command.env("FAL_ADMIN", "off").env("FAL_RUNNERS", "2"));
    host.address().await;
    host.stderr.line("IDLE runner=2").await;
    assert!(!host.stdout.text().contains("runners are shown"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_flag_that_changes_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, other) in [("--listen", "--admin"), ("--admin", "--listen")] {
        let arguments = ["run", "--app", "scripted", flag, &address, other, "127.0.0.1:0"];
        let (code, stdout, stderr) = run(&arguments).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains(&address) && stderr.contains(&format!("`{flag}`")), "{stderr}");
    }
}

#[tokio::test]
async fn help_names_every_subcommand_and_every_option_with_its_default() {
    let (code, help, _) = run(&["--help"]).await;
    assert_eq!(code, Some(0));
    for name in ["run", "serve", "openapi", "list", "config"] {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))),
            "{name}: {help}"
        );
    }
    let (_, help, _) = run(&["run", "--help"]).await;
    let options = [
        ("--listen", "127.0.0.1:8080"),
        ("--admin", "127.0.0.1:9090"),
        ("--runners", "1"),
        ("--check-interval", "15s"),
        ("--admit", "first-pass"),
        ("--start-check-interval", "1s"),
        ("--queue", "1024"),
        ("--queue-timeout", "60s"),
        ("--drain-timeout", "30s"),
    ];
    for (option, default) in options {
        let (_, about) = help.split_once(&format!("{option} ")).unwrap_or_else(|| panic!("{option}: {help}"));
        let (_, shown) = about.split_once("[default: ").unwrap();
        assert!(shown.starts_with(&format!("{default}]")), "{option}: {about}");
    }
}

#[tokio::test]
async fn a_program_of_several_apps_wants_to_know_which() {
    let (code, list, _) = run(&["list"]).await;
    assert_eq!(code, Some(0));
    for said in ["bare ", "blocking ", "scripted ", "/ask", "/alive", "Does what the director says."] {
        assert!(list.contains(said), "{said:?} is missing in {list}");
    }
    for command in ["run", "serve", "openapi", "config"] {
        let (code, _, stderr) = run(&[command]).await;
        assert_eq!(code, Some(1), "{command}");
        assert!(stderr.contains("`--app`: bare, blocking, documented, own-docs, scripted"), "{stderr}");
    }
    let (code, _, stderr) = run(&["run", "--app", "other"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("`other`"), "{stderr}");
}

#[tokio::test]
async fn config_shows_every_setting_and_where_it_comes_from() {
    let (code, text, _) = run(&["config", "--json", "--app", "blocking", "--runners", "4"]).await;
    assert_eq!(code, Some(0));
    let config: Value = serde_json::from_str(&text).unwrap();
    let health = &config["health_check"];
    let values = [
        ("path", "/alive".into(), "app"),
        ("start_period_seconds", 5.into(), "app"),
        ("effective_start_period_seconds", 60.into(), "app"),
        ("timeout_seconds", 1.into(), "app"),
        ("failure_threshold", Value::from(3), "default"),
        ("call_regularly", true.into(), "default"),
    ];
    for (name, value, source) in values {
        assert_eq!(
            (&health[name]["value"], health[name]["source"].as_str()),
            (&value, Some(source)),
            "{name}"
        );
    }
    assert_eq!(config["app"]["termination_grace_period_seconds"]["value"], 1);
    assert_eq!(config["host"]["runners"]["source"], "flag");
    assert_eq!(config["host"]["listen"]["source"], "default");
    let (_, table, _) = run(&["config", "--app", "bare"]).await;
    assert!(table.contains("health_check\n  none\n"), "{table}");
}

#[tokio::test]
async fn openapi_prints_the_document_and_compares_it() {
    let (code, text, _) = run(&["openapi", "--app", "scripted"]).await;
    assert_eq!(code, Some(0));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let call = &document["paths"]["/call"]["post"];
    assert_eq!(call["summary"], "Does what the director says.");
    assert!(call["requestBody"]["content"]["application/json"]["schema"].is_object());
    assert!(document["paths"]["/health"]["post"].is_object());

    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(path, &text).unwrap();
    assert_eq!(run(&["openapi", "--app", "scripted", "--check", path]).await.0, Some(0));
    std::fs::write(path, text.replace("director", "conductor")).unwrap();
    let (code, _, stderr) = run(&["openapi", "--app", "scripted", "--check", path]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("conductor") && stderr.contains(path), "{stderr}");
}

#[tokio::test]
async fn an_invalid_value_is_answered_with_what_to_write() {
    let wrong = [
        ("--listen", "8080", "127.0.0.1:8080"),
        ("--check-interval", "5", "5s"),
        ("--check-interval", "0s", "1s"),
        ("--runners", "0", "from 1"),
        ("--admin", "none", "off"),
    ];
    for (option, value, write) in wrong {
        let (code, _, stderr) = run(&["run", "--app", "scripted", option, value]).await;
        assert_eq!(code, Some(2), "{option} {value}");
        assert!(stderr.contains(option) && stderr.contains(write), "{stderr}");
    }
}

#[tokio::test]
async fn a_unit_starts_the_program_by_the_path_with_which_it_was_called_and_has_no_variables_of_the_shell() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let link = directory.path().join("current");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fixture"), &link).unwrap();
    let (variable, value) = director.environment();
    let mut command = tokio::process::Command::new(&link);
    command.env(variable, value).env("FAL_DRAIN_TIMEOUT", "90s").env("TMPDIR", directory.path());
    let output = output(command.args(["systemd", "--app", "scripted", "--lame-duck=1s"])).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let start = format!("ExecStart={} run --app scripted --lame-duck=1s\n", link.display());
    assert!(output.stdout.contains(&start), "{}", output.stdout);
    assert!(output.stdout.contains("drain timeout 30 s"), "{}", output.stdout);
    let ignored = "FAL_DRAIN_TIMEOUT has no effect on `systemd`, only on `run`; use `--drain-timeout`";
    assert!(output.stderr.contains(ignored), "{}", output.stderr);
}

#[tokio::test]
async fn a_unit_does_not_show_the_token_s88b() {
    let (code, stdout, stderr) =
        run(&["systemd", "--app=scripted", "--admin-token=a-token-of-this-test"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("every user can read it") && !stderr.contains("a-token-of"), "{stderr}");
    for token in [&["--admin-token=@/etc/a token"][..], &["--admin-token", "@/etc/a token"]] {
        let (code, stdout, _) = run(&[&["systemd", "--app=scripted"], token].concat()).await;
        assert_eq!(code, Some(0), "only systemd has to find the file");
        let option = token[0].trim_end_matches("@/etc/a token");
        let separator = if token.len() == 1 { "" } else { " " };
        let start =
            format!("run --app=scripted {option}{separator}@${{CREDENTIALS_DIRECTORY}}/admin-token\n");
        assert!(stdout.contains(&start), "{stdout}");
        assert!(stdout.contains("LoadCredential=admin-token:/etc/a token\n"), "{stdout}");
    }
    let (_, stdout, _) = run(&["systemd", "--app=scripted", "--admin-token=@token"]).await;
    assert!(stdout.contains("--admin-token=@token\n") && !stdout.contains("LoadCredential"), "{stdout}");
}

#[tokio::test]
async fn the_token_in_a_variable_is_no_option_of_a_unit_s88b() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.env("FAL_ADMIN_TOKEN", "a-token-of-this-test").args(["systemd", "--app=scripted"]);
    let output = output(&mut command).await;
    assert!(output.stderr.contains("use `--admin-token @FILE`"), "{}", output.stderr);
}

#[tokio::test]
async fn a_response_that_asks_for_an_undeclared_check_is_warned_of_once_s32c() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "bare"]);
    for _ in 0..3 {
        let response = host.exchange(&Request::new("POST", "/ask")).await;
        assert_eq!((response.status, response.header(ASKS)), (200, None));
    }
    host.signal(rustix::process::Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    host.stderr.line("TERMINATED runner=1").await;
    assert_eq!(host.stderr.text().matches("the app declares none").count(), 1);
}

#[tokio::test]
async fn an_unexpected_exit_is_a_warning_and_a_planned_one_is_not_s34_s35c() {
    let director = Director::new();
    director.answer_of(1, Kind::Setup, Answer::fail());
    let mut host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("WARN TERMINATED runner=1 reason=setup_failed").await;
    host.stderr.line("IDLE: takes requests runner=2").await;
    host.signal(rustix::process::Signal::TERM);
    host.stderr.line("INFO TERMINATED runner=2 reason=stopped").await;
    assert_eq!(host.exit().await, Some(0));
}
