//! What rows of private rooms say, in the clear: the step between the database
//! and the views. Public rooms pass through it unchanged.

use crate::{
    app::App,
    keys::{KeyError, open_color, open_placeholder},
};
use heim_common::media::MediaObject;
use heim_db::{Content, Message};

/// A message whose text, placeholders and colours can be read.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    /// The message; its `content` is not for eyes.
    pub(crate) message: Message,
    /// What was said, as far as it was read.
    pub(crate) text: String,
    /// Whether there is more of it.
    pub(crate) has_more: bool,
}

/// Opens messages, in order.
pub(crate) async fn messages(app: &App, messages: Vec<Message>) -> Result<Vec<Spoken>, KeyError> {
    let mut spoken = Vec::with_capacity(messages.len());
    for one in messages {
        spoken.push(message(app, one).await?);
    }
    Ok(spoken)
}

/// Opens a message. One that was altered in the database has no text: it is the
/// operator's to look at, and nobody is shown what somebody else made of it.
pub(crate) async fn message(app: &App, mut message: Message) -> Result<Spoken, KeyError> {
    let (text, has_more) = match &mut message.content {
        Content::Plain(text) => (std::mem::take(text), false),
        Content::Sealed(sealed) => {
            let key = app.keys.get(&app.db, &message.room, sealed.key).await?;
            if let Ok(open) = key.open_text(message.id, sealed) {
                (open.text, open.has_more)
            } else {
                tracing::error!(message = %message.id, room = %message.room, "a message was altered in the database");
                (String::new(), true)
            }
        }
    };
    for attachment in &mut message.attachments {
        open(app, attachment).await?;
    }
    Ok(Spoken { message, text, has_more })
}

/// Opens a media object.
pub(crate) async fn object(app: &App, mut object: MediaObject) -> Result<MediaObject, KeyError> {
    open(app, &mut object).await?;
    Ok(object)
}

async fn open(app: &App, object: &mut MediaObject) -> Result<(), KeyError> {
    let Some(encryption) = &object.encryption else { return Ok(()) };
    let (placeholder, color) = (object.placeholder.take(), object.color.take());
    if placeholder.is_none() && color.is_none() {
        return Ok(());
    }
    let key = app.keys.get(&app.db, &object.room, encryption.key_id).await?;
    let opened = key.unwrap(object.id, encryption).and_then(|secret| {
        let placeholder = placeholder.map(|sealed| open_placeholder(&secret, object.id, &sealed)).transpose()?;
        let color = color.map(|sealed| open_color(&secret, object.id, &sealed)).transpose()?;
        Ok((placeholder, color))
    });
    (object.placeholder, object.color) = opened
        .inspect_err(|_| tracing::error!(media = %object.id, "a media object's row was altered in the database"))
        .unwrap_or_default();
    Ok(())
}
