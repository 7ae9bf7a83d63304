//! The program with the weights of all-MiniLM-L6-v2. The README says where they come from.

use std::path::PathBuf;

use crate::host::{Host, similarity};

#[test]
#[ignore = "needs EMBEDDINGS_MODEL, the directory of all-MiniLM-L6-v2"]
fn a_cat_is_nearer_to_a_kitten_than_to_a_truck() {
    let directory = std::env::var_os("EMBEDDINGS_MODEL").expect("EMBEDDINGS_MODEL is the model's directory");
    let host = Host::start(&PathBuf::from(directory), &[]);
    let [cat, kitten, truck] = ["a cat", "a kitten", "a truck"].map(|text| host.embedding(text));
    assert_eq!(cat.len(), 384);
    let (near, far) = (similarity(&cat, &kitten), similarity(&cat, &truck));
    assert!(near > far + 0.2, "a kitten: {near}, a truck: {far}");
    println!("a cat and a kitten: {near:.3}; a cat and a truck: {far:.3}");
}
