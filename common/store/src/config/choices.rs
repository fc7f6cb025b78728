//! What goes together in the section `store`, and what does not.

use super::StoreConfig;
use crate::StoreError;
use serde::{Deserialize, Serialize};

/// How long a signed URL may hold, in seconds.
const PRESIGNED_MIN_S: u64 = 10;
const PRESIGNED_MAX_S: u64 = 3600;

/// Where the keys for an S3 server come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialSource {
    /// They are in the configuration, in the variables that stand for it, or in
    /// `credentials_file`.
    #[default]
    Given,
    /// A token that the process was given is exchanged for them, as in a pod of
    /// Kubernetes.
    WebIdentity,
    /// Of the container that the process runs in.
    Container,
    /// Of the machine that it runs on.
    Instance,
}

/// How an S3 server encrypts what it writes to its disks, as it calls it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerSideEncryption {
    /// As the bucket has it.
    #[default]
    #[serde(rename = "none")]
    None,
    /// With keys of the server's own.
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of its key management.
    #[serde(rename = "aws:kms")]
    Kms,
    /// With a key of its key management, in two layers.
    #[serde(rename = "aws:kms:dsse")]
    KmsDsse,
}

impl ServerSideEncryption {
    /// What the header says.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Aes256 => Some("AES256"),
            Self::Kms => Some("aws:kms"),
            Self::KmsDsse => Some("aws:kms:dsse"),
        }
    }
}

impl StoreConfig {
    /// Checks that a key is named where one is used, and nowhere else.
    pub(super) fn validate_encryption(&self) -> Result<(), StoreError> {
        let is_kms = matches!(self.server_side_encryption, ServerSideEncryption::Kms | ServerSideEncryption::KmsDsse);
        match (is_kms, self.kms_key_id.as_str()) {
            (true, "") => Err(StoreError::Config(
                "store.kms_key_id must be given for aws:kms and aws:kms:dsse: a key's id, ARN or alias (alias/aws/s3 is \
                 Amazon's own)",
            )),
            (false, id) if !id.is_empty() => Err(StoreError::Config(
                "store.kms_key_id: only store.server_side_encryption = \"aws:kms\" or \"aws:kms:dsse\" uses a key",
            )),
            (true, id) if !is_writable(id) => Err(StoreError::Config("store.kms_key_id: no spaces, ASCII only")),
            _ => Ok(()),
        }
    }

    /// Checks that nothing was said that a folder would pass over, while its
    /// operator believes in it.
    pub(crate) fn validate_folder(&self) -> Result<(), StoreError> {
        if self.is_bucket() {
            return Ok(());
        }
        if self.server_side_encryption != ServerSideEncryption::None || !self.kms_key_id.is_empty() {
            return Err(StoreError::Config("store.server_side_encryption and store.kms_key_id are for s3:// alone"));
        }
        if self.presigned_redirects {
            return Err(StoreError::Config("store.presigned_redirects is for s3:// alone"));
        }
        Ok(())
    }

    /// Checks how long a signed URL holds: one that is cached has to hold, and
    /// nothing takes one back.
    pub(super) fn validate_presigned(&self) -> Result<(), StoreError> {
        if self.presigned_redirects && !(PRESIGNED_MIN_S..=PRESIGNED_MAX_S).contains(&self.presigned_s) {
            return Err(StoreError::Config("store.presigned_s must be from 10 to 3600"));
        }
        if !self.presigned_redirects && !self.public_endpoint.is_empty() {
            return Err(StoreError::Config("store.public_endpoint is for store.presigned_redirects alone"));
        }
        Ok(())
    }

    /// Checks that there is one source of keys, and all that it needs.
    pub(super) fn validate_credentials(&self) -> Result<(), StoreError> {
        let refused = |words| Err(StoreError::Config(words));
        let keys = [self.access_key.is_empty(), self.secret_key.is_empty(), self.session_token.is_empty()];
        let has_keys = keys.contains(&false);
        if self.credentials != CredentialSource::Given && (has_keys || !self.credentials_file.is_empty()) {
            return refused("store.credentials says that keys are asked for: then none may be given");
        }
        if has_keys && !self.credentials_file.is_empty() {
            return refused(
                "store.credentials_file stands in place of store.access_key and its like: give one of them",
            );
        }
        if self.credentials_file.is_empty() && !self.credentials_profile.is_empty() {
            return refused("store.credentials_profile: of which store.credentials_file?");
        }
        match self.credentials {
            CredentialSource::Given if !self.credentials_file.is_empty() => Ok(()),
            CredentialSource::Given if keys[0] || keys[1] => refused(
                "store.access_key and store.secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 store.credentials_file must be given for s3://",
            ),
            CredentialSource::Given if !self.are_keys_writable() => {
                refused("store.access_key, store.secret_key and store.session_token: no spaces, ASCII only")
            }
            CredentialSource::WebIdentity if self.credentials_token_file.is_empty() || self.role_arn.is_empty() => {
                refused("store.credentials_token_file and store.role_arn must be given for a web identity")
            }
            CredentialSource::Container if self.credentials_url.is_empty() => {
                refused("store.credentials_url must be given for a container")
            }
            CredentialSource::Container
                if !self.credentials_url.starts_with('/') && self.credentials_token_file.is_empty() =>
            {
                refused("store.credentials_token_file must be given for a container's whole URL")
            }
            _ => Ok(()),
        }
    }

    /// Whether a header can carry them: the library takes that for granted.
    fn are_keys_writable(&self) -> bool {
        // A secret is only signed with, and may be anything.
        [self.access_key.as_str(), self.session_token.expose()].into_iter().all(is_writable)
    }
}

/// Whether a header can carry this.
pub(crate) fn is_writable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServerSideEncryption::{Aes256, Kms, KmsDsse, None};
    use heim_runtime::Secret;
    use serde::de::{IntoDeserializer, value::Error};

    #[test]
    fn an_encryption_has_its_key_and_a_store_that_does_it() {
        let said = |server_side_encryption, kms_key_id: &str| StoreConfig {
            server_side_encryption,
            kms_key_id: kms_key_id.into(),
            ..StoreConfig::default()
        };
        for (how, key) in [(None, ""), (Aes256, ""), (Kms, "alias/k"), (KmsDsse, "arn:aws:kms:r:1:key/2")] {
            said(how, key).validate_encryption().unwrap();
            assert_eq!(said(how, key).validate_folder().is_ok(), how == None);
        }
        for (how, key) in [(None, "k"), (Aes256, "k"), (Kms, ""), (KmsDsse, ""), (Kms, "a\nb")] {
            assert!(matches!(said(how, key).validate_encryption(), Err(StoreError::Config(_))), "{how:?} {key}");
        }
        // What an operator writes is what the server is told.
        for how in [Aes256, Kms, KmsDsse] {
            let written = how.header().unwrap().into_deserializer();
            assert_eq!(ServerSideEncryption::deserialize(written), Ok::<_, Error>(how));
        }
    }

    #[test]
    fn a_signed_url_holds_neither_for_ever_nor_for_no_time() {
        let holds = |presigned_s| StoreConfig { presigned_redirects: true, presigned_s, ..StoreConfig::default() };
        for (seconds, is_good) in [(9, false), (10, true), (300, true), (3600, true), (3601, false), (u64::MAX, false)]
        {
            assert_eq!(holds(seconds).validate_presigned().is_ok(), is_good, "{seconds}");
        }
        let elsewhere = StoreConfig { public_endpoint: "https://media.example".into(), ..StoreConfig::default() };
        assert!(elsewhere.validate_presigned().is_err() && holds(300).validate_folder().is_err());
        StoreConfig { presigned_redirects: true, ..elsewhere }.validate_presigned().unwrap();
    }

    #[test]
    fn keys_come_from_one_place_and_are_complete() {
        let none = StoreConfig::default();
        let keys = StoreConfig { access_key: "a".into(), secret_key: Secret::new("b c".into()), ..none.clone() };
        let file = StoreConfig { credentials_file: "/f".into(), ..none.clone() };
        let asked = |credentials| StoreConfig { credentials, ..none.clone() };
        let web = asked(CredentialSource::WebIdentity);
        let full = StoreConfig { credentials_token_file: "/t".into(), role_arn: "arn".into(), ..web.clone() };
        let task = StoreConfig { credentials_url: "/v2".into(), ..asked(CredentialSource::Container) };
        for good in [&keys, &file, &full, &task, &asked(CredentialSource::Instance)] {
            good.validate_credentials().unwrap();
        }
        let bad = [
            none.clone(),
            StoreConfig { access_key: String::new(), ..keys.clone() },
            StoreConfig { secret_key: Secret::default(), ..keys.clone() },
            StoreConfig { session_token: Secret::new("two\nlines".into()), ..keys.clone() },
            StoreConfig { credentials_file: "/f".into(), ..keys.clone() },
            StoreConfig { credentials_profile: "p".into(), ..keys.clone() },
            StoreConfig { credentials: CredentialSource::Instance, ..keys },
            StoreConfig { credentials: CredentialSource::Instance, ..file },
            web,
            asked(CredentialSource::Container),
            StoreConfig { credentials_url: "http://127.0.0.1/".into(), ..asked(CredentialSource::Container) },
        ];
        for bad in bad {
            assert!(matches!(bad.validate_credentials(), Err(StoreError::Config(_))), "{bad:?}");
        }
    }
}
