//! How clients of several addresses share the permits, as they see it (S38h, S38i, S38j).

use tokio::net::{TcpSocket, TcpStream};

use super::peer::Peer;
use super::rig::limits;
use super::{Rig, until, within};
use crate::proxy::Limits;

/// A client at another address of the loopback interface, which has sent a request.
async fn get_from(rig: &Rig, address: [u8; 4], path: &str) -> Peer<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let mut client = Peer::new(within(socket.connect(rig.address)).await.unwrap());
    client.get(path).await;
    client
}

const MANY: [u8; 4] = [127, 0, 0, 2];
const FEW: [u8; 4] = [127, 0, 0, 3];

#[tokio::test]
async fn a_client_does_not_wait_for_all_requests_of_another_one_s38h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut clients = vec![get_from(&rig, MANY, "/many").await];
    let mut connection = runner.accept().await;
    connection.message().await;
    for (count, path) in ["/many/1", "/many/2", "/many/3"].into_iter().enumerate() {
        clients.push(get_from(&rig, MANY, path).await);
        until(|| rig.balancer.waiting() == count + 1).await;
    }
    clients.push(get_from(&rig, FEW, "/few").await);
    until(|| rig.balancer.waiting() == 4).await;
    for path in ["/few", "/many/1", "/many/2", "/many/3"] {
        connection.answer("ok").await;
        assert_eq!(connection.message().await.start, format!("GET {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_share_the_permits_like_others_s38i() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let mut rig = Rig::with(Limits { trusted_proxies, ..limits() }).await;
    let runner = rig.runner();
    let get = async |client: &str, path: &str| {
        let mut proxy = rig.client().await;
        proxy
            .send(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 9.9.9.9, {client}\r\n\r\n"))
            .await;
        proxy
    };
    let _first = get("1.1.1.1", "/many").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    let _second = get("1.1.1.1", "/many/1").await;
    until(|| rig.balancer.waiting() == 1).await;
    let _third = get("2.2.2.2", "/few").await;
    until(|| rig.balancer.waiting() == 2).await;
    for path in ["/few", "/many/1"] {
        connection.answer("ok").await;
        assert_eq!(connection.message().await.start, format!("GET {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_client_that_fills_the_queue_makes_room_for_others_s38j() {
    let mut rig = Rig::with(Limits { queue: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut first = get_from(&rig, MANY, "/many").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    let mut waiting = Vec::new();
    for count in 1..=2 {
        waiting.push(get_from(&rig, MANY, "/many").await);
        until(|| rig.balancer.waiting() == count).await;
    }
    let refused = get_from(&rig, MANY, "/many").await.message().await;
    assert_eq!(refused.error_type(), "queue_full");
    let _few = get_from(&rig, FEW, "/few").await;
    let gave_way = waiting.pop().unwrap().message().await;
    assert_eq!((gave_way.status(), gave_way.error_type().as_str()), (503, "queue_full"));
    connection.answer("ok").await;
    assert_eq!(first.message().await.status(), 200);
    assert_eq!(connection.message().await.start, "GET /few HTTP/1.1");
}

#[tokio::test]
async fn a_request_that_makes_room_while_the_host_is_paused_says_so_s38j_s84a() {
    let mut rig = Rig::with(Limits { queue: 2, ..limits() }).await;
    let _runner = rig.runner();
    rig.balancer.set_paused(true);
    let mut waiting = Vec::new();
    for count in 1..=2 {
        waiting.push(get_from(&rig, MANY, "/many").await);
        until(|| rig.balancer.waiting() == count).await;
    }
    let _few = get_from(&rig, FEW, "/few").await;
    let gave_way = waiting.pop().unwrap().message().await;
    assert!(gave_way.body.contains("The host is paused, and the queue is full"), "{}", gave_way.body);
}
