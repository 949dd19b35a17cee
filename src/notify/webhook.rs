//! The request of `-webhook`: when there is one, its body, and the signature by which the receiver knows
//! who sent it. Pure.

use ring::hmac;
use serde::Serialize;

use super::Message;
use super::http::{Body, Request};
use crate::config::{Occasion, Webhook, WebhookFormat};

/// Nothing where the run is none of the occasions.
pub fn ended(webhook: &Webhook, message: &Message) -> Option<Request> {
    if !webhook.occasions.iter().any(|occasion| is_met(*occasion, message)) {
        return None;
    }
    let text = match webhook.format {
        WebhookFormat::Json => message.object.trim_end().to_owned(),
        WebhookFormat::Text => chat(&message.sentence),
    };
    let signature = webhook.secret.as_ref().map(|secret| signature(secret.expose(), &text));
    let body = Body { content_type: "application/json", text, signature };
    Some(Request { url: webhook.address.secret().to_owned(), body: Some(body) })
}

fn is_met(occasion: Occasion, message: &Message) -> bool {
    match occasion {
        Occasion::Always => true,
        // Who stops a run knows of it.
        Occasion::Failure => !matches!(message.exit_status, 0 | 130 | 143),
        Occasion::Change => message.has_changes,
        Occasion::Recovery => message.is_recovery,
    }
}

#[derive(Serialize)]
struct Chat<'a> {
    text: String,
    message: &'a str,
}

/// Slack and Teams show `text`, in which they obey `<…>`.
fn chat(sentence: &str) -> String {
    let text = sentence.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Strings always serialize; the type system cannot know.
    serde_json::to_string(&Chat { text, message: sentence }).unwrap_or_default()
}

/// HMAC-SHA256 over the body, as GitHub and others write it.
fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WebAddress;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }

    fn is_called(occasions: &[Occasion], exit_status: u8, changes: bool, recovery: bool) -> bool {
        let webhook = Webhook {
            address: WebAddress::parse("https://h/p").expect("a URL"),
            secret: None,
            occasions: occasions.to_vec(),
            format: WebhookFormat::Json,
        };
        let message = Message {
            exit_status,
            has_changes: changes,
            is_recovery: recovery,
            verdict: String::new(),
            summary: String::new(),
            sentence: String::new(),
            object: "{}\n".into(),
        };
        ended(&webhook, &message).is_some()
    }

    #[test]
    fn a_webhook_is_called_on_its_occasions() {
        use Occasion::{Always, Change, Failure, Recovery};
        let cases = [
            (&[Always][..], [true, true, true, true]),
            (&[Failure], [false, false, true, false]),
            (&[Change], [false, true, false, false]),
            (&[Recovery], [false, false, false, true]),
            (&[Failure, Recovery], [false, false, true, true]),
        ];
        for (occasions, expected) in cases {
            let called = [
                is_called(occasions, 0, false, false),
                is_called(occasions, 0, true, false),
                is_called(occasions, 1, false, false),
                is_called(occasions, 0, false, true),
            ];
            assert_eq!(called, expected, "{occasions:?}");
        }
        assert!(!is_called(&[Failure], 143, false, false));
    }

    #[test]
    fn a_sentence_cannot_command_a_chat_program() {
        let expected = r#"{"text":"a &lt;!here&gt; &amp; b","message":"a <!here> & b"}"#;
        assert_eq!(chat("a <!here> & b"), expected);
    }
}
