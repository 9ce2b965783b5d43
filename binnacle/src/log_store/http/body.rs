//! Request bodies: bounded in length, packed or not, and in time.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt as _;

use crate::log_store::failure::Failure;

/// A sender that stops in the middle must not hold its room for ever; 16 MiB take this long at 0.5 MB/s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Log lines as JSON are packed to a tenth or less; what unpacks to more asks for more room then.
const PACKED_PART: usize = 16;

/// How long a body is likely to be once it is here: as long as it says, more if it is packed, and as long as allowed if
/// it does not say.
///
/// # Errors
/// Longer than allowed, or packed in a way that is not known.
pub fn length(headers: &HeaderMap, most: usize) -> Result<usize, Failure> {
    let told: Option<usize> = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let is_gzip = is_gzip(headers)?;
    match told {
        Some(told) if told > most => Err(too_long(most)),
        Some(told) if is_gzip => Ok(told.saturating_mul(PACKED_PART).min(most)),
        Some(told) => Ok(told),
        None => Ok(most),
    }
}

/// The whole body, unpacked.
///
/// # Errors
/// It is longer than `most`, packed in a way that is not known or not as it says, does not come in time, or breaks off.
pub async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Failure> {
    length(headers, most)?;
    let body = tokio::time::timeout(PATIENCE, received(body, most)).await.unwrap_or_else(|_| {
        let reason = format!("the request body did not come within {} s", PATIENCE.as_secs());
        Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "receive_timeout_transport_exception", reason))
    })?;
    if !is_gzip(headers)? {
        return Ok(body.into());
    }
    let unpacking = tokio::task::spawn_blocking(move || unpacked(&body, most));
    unpacking.await.unwrap_or_else(|error| Err(Failure::argument(format!("the request body cannot be unpacked: {error}"))))
}

async fn received(body: Body, most: usize) -> Result<Vec<u8>, Failure> {
    let mut received = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Failure::argument(format!("the request body breaks off: {error}")))?;
        if received.len() + chunk.len() > most {
            return Err(too_long(most));
        }
        received.extend_from_slice(&chunk);
    }
    Ok(received)
}

fn unpacked(packed: &[u8], most: usize) -> Result<Bytes, Failure> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(packed).take(limit).read_to_end(&mut unpacked);
    read.map_err(|error| Failure::argument(format!("the request body is not gzip, as Content-Encoding says: {error}")))?;
    if unpacked.len() > most { Err(too_long(most)) } else { Ok(unpacked.into()) }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii()) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(other) => Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type_header_exception",
            format!("Content-Encoding {:?} is not understood: send gzip or none", String::from_utf8_lossy(other)),
        )),
    }
}

fn too_long(most: usize) -> Failure {
    let reason = format!("the request body is longer than {most} bytes: send it in portions");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "content_too_long_exception", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (length_header, encoding, expected) in [
            (Some("7"), None, Ok(7)),
            (Some("7"), Some("identity"), Ok(7)),
            (Some("7"), Some("gzip"), Ok(7 * PACKED_PART)),
            (Some("900"), Some("gzip"), Ok(1000)),
            (Some("1001"), Some("gzip"), Err(413)),
            (Some("1000"), None, Ok(1000)),
            (Some("1001"), None, Err(413)),
            (Some("99999999999999999999999"), None, Ok(1000)),
            (None, None, Ok(1000)),
            (Some("7"), Some("br"), Err(415)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::CONTENT_LENGTH, length_header), (header::CONTENT_ENCODING, encoding)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let read = length(&headers, 1000).map_err(|failure| failure.status.as_u16());
            assert_eq!(read, expected, "{length_header:?} {encoding:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_say_how_long_it_is_is_cut_off() {
        let pieces = |count: usize| {
            let pieces = (0..count).map(|_| Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 10])));
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        assert_eq!(read(&HeaderMap::new(), pieces(10), 100).await.unwrap().len(), 100);
        assert_eq!(read(&HeaderMap::new(), pieces(11), 100).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
