//! Calls the app with the client that progenitor generates.

use client::types::{DocumentEverythingOrderInput, DocumentEverythingStockOrder, Shape, Size};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

#[allow(warnings, reason = "generated")]
mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args().nth(1).expect("the address of the app");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer secret"))]);
    let http = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let client = client::Client::new_with_client(&address, http);

    let order = |name: &str| DocumentEverythingOrderInput {
        name: name.to_owned(),
        shape: Shape::Circle { radius: 2 },
        counts: Default::default(),
        parent: None,
        size: Size::Small,
        tags: Vec::new(),
        type_: None,
    };
    let ordered = client.order(&order("chair")).await.unwrap().into_inner();
    assert_eq!(ordered.name, "chair");
    let unknown = client.order(&order("unknown")).await.unwrap_err();
    assert_eq!(unknown.status().map(|status| status.as_u16()), Some(404));
    let stored = client.put(7, Some(&DocumentEverythingStockOrder { shelf: 1 })).await.unwrap().into_inner();
    assert_eq!(stored.map(|order| order.shelf), Some(8));
    let tags = ["a", "b"].map(String::from).to_vec();
    let found = client.search(Some(1), Some(&tags), "oak", "t").await.unwrap().into_inner();
    assert_eq!((found.items, found.next), (vec!["oak a t".to_owned(), "oak b t".to_owned()], Some(2)));
    assert_eq!(client.remove(7).await.unwrap().into_inner(), "ada");
    assert_eq!(client.words("one two".to_owned()).await.unwrap().into_inner(), 2);
}
