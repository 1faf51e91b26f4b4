//! What a user says: text, images, audio, skills and mentions, in short.

use std::path::Path;

use codex_appserver_methods::protocol::*;

/// The input of a turn: one or more pieces, in order.
///
/// Made from a string, from a piece, or from a list of pieces:
///
/// ```
/// use codex_appserver::{Input, image_url, text};
///
/// let plain: Input = "What is in here?".into();
/// let pieces: Input = [text("What is on this picture?"), image_url("https://example.com/cat.png")].into();
/// assert_eq!((plain.pieces().len(), pieces.pieces().len()), (1, 2));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input(Vec<UserInput>);

impl Input {
    /// No piece at all, for turns that begin with something else: `tool_output` goes with no other input.
    pub fn none() -> Self {
        Self::default()
    }

    /// One more piece.
    #[must_use]
    pub fn and(mut self, piece: impl Into<UserInput>) -> Self {
        self.0.push(piece.into());
        self
    }

    /// What it is made of.
    pub fn pieces(&self) -> &[UserInput] {
        &self.0
    }
}

impl From<&str> for Input {
    fn from(words: &str) -> Self {
        Self(vec![text(words)])
    }
}

impl From<String> for Input {
    fn from(words: String) -> Self {
        Self(vec![text(words)])
    }
}

impl From<&String> for Input {
    fn from(words: &String) -> Self {
        Self::from(words.as_str())
    }
}

impl From<UserInput> for Input {
    fn from(piece: UserInput) -> Self {
        Self(vec![piece])
    }
}

impl From<Vec<UserInput>> for Input {
    fn from(pieces: Vec<UserInput>) -> Self {
        Self(pieces)
    }
}

impl From<&[UserInput]> for Input {
    fn from(pieces: &[UserInput]) -> Self {
        Self(pieces.to_vec())
    }
}

impl<const N: usize> From<[UserInput; N]> for Input {
    fn from(pieces: [UserInput; N]) -> Self {
        Self(pieces.into())
    }
}

impl From<Input> for Vec<UserInput> {
    fn from(input: Input) -> Self {
        input.0
    }
}

impl FromIterator<UserInput> for Input {
    fn from_iter<I: IntoIterator<Item = UserInput>>(pieces: I) -> Self {
        Self(pieces.into_iter().collect())
    }
}

/// Text.
pub fn text(words: impl Into<String>) -> UserInput {
    TextUserInput::new(words).into()
}

/// An image by its URL, which may be a `data:` URL.
pub fn image_url(url: impl Into<String>) -> UserInput {
    ImageUserInput::new(UrlOrFileId::Url(url.into())).into()
}

/// An image file that the server reads.
pub fn local_image(path: impl AsRef<Path>) -> UserInput {
    LocalImageUserInput::new(path.as_ref().to_string_lossy()).into()
}

/// Audio by its URL, which may be a `data:` URL.
pub fn audio_url(url: impl Into<String>) -> UserInput {
    AudioUserInput::new(UrlOrFileId::Url(url.into())).into()
}

/// An audio file that the server reads.
pub fn local_audio(path: impl AsRef<Path>) -> UserInput {
    LocalAudioUserInput::new(path.as_ref().to_string_lossy()).into()
}

/// A skill, by its name and the path of its `SKILL.md`.
pub fn skill(name: impl Into<String>, path: impl Into<String>) -> UserInput {
    SkillUserInput::new(name, path).into()
}

/// A mention of something the server knows, such as an app or a file, by its name and its path.
pub fn mention(name: impl Into<String>, path: impl Into<String>) -> UserInput {
    MentionUserInput::new(name, path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_what_the_wire_wants() {
        let input = Input::from("a")
            .and(image_url("data:image/png;base64,AA"))
            .and(local_image("/b.png"))
            .and(audio_url("https://c"))
            .and(local_audio("/d.wav"))
            .and(skill("e", "/e/SKILL.md"))
            .and(mention("f", "app://f"));
        let json = wire::encode(&Vec::from(input)).expect("input has a JSON form");
        assert_eq!(
            json,
            concat!(
                r#"[{"type":"text","text":"a","text_elements":[]},"#,
                r#"{"type":"image","url":"data:image/png;base64,AA"},{"type":"localImage","path":"/b.png"},"#,
                r#"{"type":"audio","url":"https://c"},{"type":"localAudio","path":"/d.wav"},"#,
                r#"{"type":"skill","name":"e","path":"/e/SKILL.md"},"#,
                r#"{"type":"mention","name":"f","path":"app://f"}]"#
            )
        );
    }
}
