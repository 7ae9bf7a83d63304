//! Each WebSocket of other people's servers and of an endpoint, with other people's clients (S45i, S70).

use std::process::Command;

use super::program::{Program, output};
use super::{client, node, uvicorn};

/// What the clients print that talk with `url`. Each has sent two words and a mebibyte.
fn talk(url: &str, leaves: bool) -> [String; 2] {
    let leave = leaves.then_some("leave");
    [
        output(Command::new("python3").arg(client("talk.py")).arg(url).args(leave)),
        output(Command::new("node").arg(client("talk.mjs")).arg(url).args(leave)),
    ]
}

fn echoes_and_closes(server: &mut Program) {
    let url = server.url("ws", "/ws");
    let echoed = "Guten Morgen\n1048576\n";
    assert_eq!(
        talk(&url, true),
        [const { "4001 as you wish\n" }; 2].map(|closed| format!("{echoed}{closed}"))
    );
    assert_eq!(talk(&url, false), [echoed; 2]);
    for _ in 0..2 {
        server.line(&["left with 4002"]);
    }
}

#[test]
#[ignore = "needs uvicorn, websockets, and Node with ws"]
fn web_sockets_of_uvicorn_carry_messages_and_close_codes_both_ways_s45i() {
    echoes_and_closes(&mut uvicorn(&[]));
}

#[test]
#[ignore = "needs websockets, and Node with ws"]
fn web_sockets_of_node_carry_messages_and_close_codes_both_ways_s45i() {
    echoes_and_closes(&mut node(&[]));
}

#[test]
#[ignore = "needs websockets, and Node with ws"]
fn the_web_socket_of_an_endpoint_talks_with_clients_of_python_and_node_s70() {
    let example = Program::example();
    assert_eq!(talk(&example.url("ws", "/words"), false), ["2\n7\n"; 2]);
    example.stopped();
}
