//! An answer that a server wrote, read back as strictly as may be.

use super::http::{self, Begins};

#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
    fields: http::Fields<'a>,
}

impl<'a> Answer<'a> {
    pub(super) fn values(&self, name: &str) -> Vec<&'a [u8]> {
        http::values(&self.fields, name)
    }

    pub(super) fn list(&self, name: &str) -> Vec<&'a [u8]> {
        http::list(&self.fields, name)
    }
}

/// The one answer in `output`, with all of its body and nothing behind it. `None`: nothing was written.
pub(super) fn read_answer(output: &[u8], without_body: bool) -> Option<Answer<'_>> {
    if output.is_empty() {
        return None;
    }
    let Begins::With(lines, len) = http::begins(output, output.len()) else { panic!("no head: {output:?}") };
    let fields = http::fields(&lines[1..]).expect("fields");
    let answer = Answer { status: status(output, fields.len()), body: &output[len..], fields };
    let length = match answer.values("content-length")[..] {
        [length] => str::from_utf8(length).ok().and_then(|length| length.parse().ok()).expect("a length"),
        // These have none (RFC 9110 §8.6).
        [] if matches!(answer.status, 101 | 204 | 304) => 0,
        ref lengths => panic!("{} lengths", lengths.len()),
    };
    assert_eq!(answer.body.len(), if without_body { 0 } else { length }, "another length than announced");
    Some(answer)
}

/// A parser that others use must be able to read it, and see as many fields.
fn status(output: &[u8], fields: usize) -> u16 {
    let mut headers = vec![httparse::EMPTY_HEADER; fields];
    let mut response = httparse::Response::new(&mut headers);
    assert!(matches!(response.parse(output), Ok(httparse::Status::Complete(_))), "not well-formed");
    assert_eq!((response.version, response.headers.len()), (Some(1), fields));
    response.code.expect("a status")
}
