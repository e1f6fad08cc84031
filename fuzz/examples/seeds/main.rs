//! Writes the seed corpus: `cargo run --example seeds`, in this directory. It is committed, so run this only after a change
//! here or to the format of the inputs.

mod deflate;
mod pair;
mod requests;
mod responses;
mod sessions;
mod streams;
mod words;

use std::{fs, io, path::Path};

use websocket_proto::Role;
use websocket_proto_fuzz::{
    Answering, Asking, Cutting, Inflating, Offering, Script, Session, Talk, Trip, Wording,
};

fn main() -> io::Result<()> {
    write("server_bytes", streams::scripts(Role::Server), Script::encode)?;
    write("client_bytes", streams::scripts(Role::Client), Script::encode)?;
    write("chunking", streams::cuttings(), Cutting::encode)?;
    write("pair", pair::talks(), Talk::encode)?;
    write("request_head", requests::askings(), Asking::encode)?;
    write("response_head", responses::answerings(), Answering::encode)?;
    write("tokio_adapter", sessions::sessions(), Session::encode)?;
    write("deflate_offers", deflate::offerings(), Offering::encode)?;
    write("inflate", deflate::inflatings(), Inflating::encode)?;
    write("deflate_round_trip", deflate::trips(), Trip::encode)?;
    write("header_values", words::wordings(), Wording::encode)
}

/// Replaces the seeds of a target.
fn write<T>(target: &str, seeds: Vec<(String, T)>, encode: fn(&T) -> Vec<u8>) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    for (name, seed) in seeds {
        fs::write(directory.join(name), encode(&seed))?;
    }
    Ok(())
}
