//! Tests procedures with a server and a local file in memory, without faults and with every fault at every step

mod create;
mod model;
mod paths;
mod remove;
mod resume;
mod times;
mod walk;

use model::{Model, Node, time};

const REMOTE: &[u8] = b"0123456789";

fn file(bytes: &[u8]) -> Node {
    Node::File(bytes.to_vec(), time(0))
}

fn with_file(bytes: &[u8]) -> Model {
    Model::new(&[("/home", Node::Dir), ("/home/f", file(bytes))])
}

fn remote(model: &Model) -> Option<&[u8]> {
    match model.tree.get("/home/f") {
        Some(Node::File(bytes, _)) => Some(bytes),
        _ => None,
    }
}

/// A tree with links to files that must not be removed
fn links() -> Model {
    Model::new(&[
        ("/home", Node::Dir),
        ("/home/d", Node::Dir),
        ("/home/d/one", file(b"1")),
        ("/home/d/out", Node::Link("/precious")),
        ("/home/d/self", Node::Link("/home/d")),
        ("/home/d/sub", Node::Dir),
        ("/home/d/sub/two", file(b"2")),
        ("/home/d/sub/empty", Node::Dir),
        ("/home/link", Node::Link("/precious")),
        ("/home/file", file(b"x")),
        ("/precious", Node::Dir),
        ("/precious/a", file(b"a")),
    ])
}
