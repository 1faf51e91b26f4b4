//! What a tool gives back to the model.

use std::error::Error as StdError;

use codex_appserver_methods::protocol::{
    DynamicToolCallOutputContentItem as Content, DynamicToolCallResponse,
    InputAudioDynamicToolCallOutputContentItem, InputImageDynamicToolCallOutputContentItem,
    InputTextDynamicToolCallOutputContentItem,
};
use serde::Serialize;

/// What a tool gives back to the model: texts, images and audio, in order.
///
/// # Limits
///
/// codex passes about 10 000 tokens of text on to the model, counted as four bytes each, and cuts longer text in the
/// middle; `tool_output_token_limit` in codex's configuration sets another limit. The item of the call keeps all of it.
/// Images and audio have to be `data:` URLs; if one is another URL, codex tells the model that the call failed.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    content: Vec<Content>,
    success: bool,
}

impl ToolResult {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(InputTextDynamicToolCallOutputContentItem::new(text).into(), true)
    }

    /// A value as JSON. If it has no JSON form, the result is a failed one that says so.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => Self::text(text),
            Err(error) => Self::failed(format!("failed to write the result of the tool as JSON: {error}")),
        }
    }

    /// An image, as a `data:` URL.
    pub fn image(data_url: impl Into<String>) -> Self {
        Self::of(InputImageDynamicToolCallOutputContentItem::new(data_url).into(), true)
    }

    /// Audio, as a `data:` URL. A model that takes no audio is told that it was left out.
    pub fn audio(data_url: impl Into<String>) -> Self {
        Self::of(InputAudioDynamicToolCallOutputContentItem::new(data_url).into(), true)
    }

    /// A failure. The model reads the text and nothing else, so the text should say that something failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::of(InputTextDynamicToolCallOutputContentItem::new(text).into(), false)
    }

    /// This result, and then the other one. If one of them failed, both have.
    #[must_use]
    pub fn and(mut self, more: impl IntoToolResult) -> Self {
        let more = more.into_tool_result();
        self.content.extend(more.content);
        self.success &= more.success;
        self
    }

    /// Its parts.
    pub fn content(&self) -> &[Content] {
        &self.content
    }

    /// Whether the tool did what it was called for.
    pub fn is_success(&self) -> bool {
        self.success
    }

    fn of(content: Content, success: bool) -> Self {
        Self { content: vec![content], success }
    }
}

impl From<ToolResult> for DynamicToolCallResponse {
    fn from(result: ToolResult) -> Self {
        Self::new(result.content, result.success)
    }
}

/// What a tool may return.
///
/// A text, a [`Json`] value, a [`ToolResult`], nothing, or a `Result` of these: an error becomes a failed result with its
/// text and the texts of its causes.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    note = "return a text, `Json(value)`, a `ToolResult`, or a `Result` of these whose error is a `std::error::Error`"
)]
pub trait IntoToolResult {
    /// The result that the model gets.
    fn into_tool_result(self) -> ToolResult;
}

/// A value that the model gets as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> ToolResult {
        ToolResult::json(&self.0)
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> ToolResult {
        self
    }
}

impl IntoToolResult for String {
    fn into_tool_result(self) -> ToolResult {
        ToolResult::text(self)
    }
}

impl IntoToolResult for &str {
    fn into_tool_result(self) -> ToolResult {
        ToolResult::text(self)
    }
}

/// There is nothing to tell but that it was done.
impl IntoToolResult for () {
    fn into_tool_result(self) -> ToolResult {
        ToolResult::text("Done.")
    }
}

impl<T: IntoToolResult, E: Into<Box<dyn StdError + Send + Sync>>> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> ToolResult {
        match self {
            Ok(value) => value.into_tool_result(),
            Err(error) => ToolResult::failed(with_causes(&*error.into())),
        }
    }
}

/// The texts of an error and of its causes.
fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn wire(result: impl IntoToolResult) -> serde_json::Value {
        serde_json::to_value(DynamicToolCallResponse::from(result.into_tool_result())).expect("JSON")
    }

    fn text(text: &str) -> serde_json::Value {
        json!({"type": "inputText", "text": text})
    }

    #[test]
    fn what_a_tool_returns_becomes_content() {
        let fine = |items: &[serde_json::Value]| json!({"contentItems": items, "success": true});
        assert_eq!(wire("a"), fine(&[text("a")]));
        assert_eq!(wire(String::from("a")), fine(&[text("a")]));
        assert_eq!(wire(()), fine(&[text("Done.")]));
        assert_eq!(wire(Json(json!({"a": [1]}))), fine(&[text("{\"a\":[1]}")]));
        assert_eq!(wire(Ok::<_, std::io::Error>(Json([1, 2]))), fine(&[text("[1,2]")]));
        let all = ToolResult::text("see").and(ToolResult::image("data:i")).and(ToolResult::audio("data:a"));
        let media = [
            json!({"type": "inputImage", "imageUrl": "data:i"}),
            json!({"type": "inputAudio", "audioUrl": "data:a"}),
        ];
        assert_eq!(wire(all), fine(&[text("see"), media[0].clone(), media[1].clone()]));
    }

    #[test]
    fn errors_are_failed_results_with_their_causes() {
        let failed = |words: &str| json!({"contentItems": [text(words)], "success": false});
        assert_eq!(wire(Err::<(), _>("no such city")), failed("no such city"));
        assert_eq!(wire(Err::<(), _>(String::from("no"))), failed("no"));
        let chain = anyhow::anyhow!("the disk is full").context("failed to write").context("failed to save");
        assert_eq!(wire(Err::<(), _>(chain)), failed("failed to save: failed to write: the disk is full"));
        let both = ToolResult::text("half").and(Err::<(), _>("broken"));
        assert_eq!((both.is_success(), both.content().len()), (false, 2));
    }

    #[test]
    fn a_value_without_a_json_form_is_a_failure() {
        let result = ToolResult::json(&BTreeMap::from([(vec![1_u8], 1)]));
        assert!(!result.is_success(), "{result:?}");
        assert!(format!("{result:?}").contains("key must be a string"), "{result:?}");
    }
}
