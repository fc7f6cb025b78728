//! What the variables say that tools for S3 agree on.

use super::{CredentialSource, StoreConfig};
use heim_runtime::Secret;

impl StoreConfig {
    /// With what nobody said taken from the variables that tools for S3 agree
    /// on, where it is an `s3://` store at all.
    #[must_use]
    pub fn or_aws(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        if !self.is_bucket() {
            return self;
        }
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name)).unwrap_or_default();
        if self.endpoint.is_empty() {
            self.endpoint = first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
        }
        if self.region.is_empty() {
            self.region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        }
        // Keys of one place and a token of another would never fit together.
        if !self.says_credentials() {
            self.access_key = first(&["AWS_ACCESS_KEY_ID"]);
            self.secret_key = Secret::new(first(&["AWS_SECRET_ACCESS_KEY"]));
            self.session_token = Secret::new(first(&["AWS_SESSION_TOKEN"]));
        }
        if !self.says_credentials() {
            self.credentials_file = first(&["AWS_SHARED_CREDENTIALS_FILE"]);
            if !self.credentials_file.is_empty() && self.credentials_profile.is_empty() {
                self.credentials_profile = first(&["AWS_PROFILE"]);
            }
        }
        if !self.says_credentials() {
            self.credentials = if variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
                CredentialSource::WebIdentity
            } else if variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
                || variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some()
            {
                CredentialSource::Container
            } else {
                CredentialSource::Given
            };
        }
        let (url, token_file): (&[&str], &[&str]) = match self.credentials {
            CredentialSource::Given => (&[], &[]),
            CredentialSource::WebIdentity => (&[], &["AWS_WEB_IDENTITY_TOKEN_FILE"]),
            CredentialSource::Container => (
                &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                &["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
            ),
            CredentialSource::Instance => (&["AWS_EC2_METADATA_SERVICE_ENDPOINT"], &[]),
        };
        if self.credentials_url.is_empty() {
            self.credentials_url = first(url);
        }
        if self.credentials_token_file.is_empty() {
            self.credentials_token_file = first(token_file);
        }
        if self.role_arn.is_empty() && self.credentials == CredentialSource::WebIdentity {
            self.role_arn = first(&["AWS_ROLE_ARN"]);
        }
        self.allow_plain_http |= first(&["AWS_ALLOW_HTTP"]) == "true";
        self
    }

    /// Whether somebody said where the keys come from.
    fn says_credentials(&self) -> bool {
        let said = [&self.access_key, &self.credentials_file].into_iter().any(|text| !text.is_empty());
        let secret = [&self.secret_key, &self.session_token].into_iter().any(|text| !text.is_empty());
        said || secret || self.credentials != CredentialSource::Given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<String> {
        let given = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"];
        given.contains(&name).then(|| name.to_lowercase())
    }

    fn bucket() -> StoreConfig {
        StoreConfig { url: "s3://bucket".into(), ..StoreConfig::default() }
    }

    #[test]
    fn what_nobody_said_is_taken_from_the_environment() {
        let config = bucket().or_aws(of);
        assert_eq!(
            (config.access_key.as_str(), config.secret_key.expose()),
            ("aws_access_key_id", "aws_secret_access_key")
        );
        assert_eq!((config.region.as_str(), config.endpoint.as_str()), ("aws_default_region", "aws_endpoint_url"));
        assert!(!format!("{config:?}").contains("aws_secret_access_key") && !config.allow_plain_http);
        let said = StoreConfig { access_key: "own".into(), region: "here".into(), ..config.clone() };
        let said = StoreConfig { secret_key: Secret::default(), ..said }.or_aws(of);
        assert_eq!((said.access_key.as_str(), said.secret_key.expose(), said.region.as_str()), ("own", "", "here"));
        let folder = StoreConfig { url: "file:///x".into(), ..StoreConfig::default() };
        assert_eq!(folder.clone().or_aws(of), folder);
    }

    #[test]
    fn a_file_or_the_machine_is_asked_where_there_are_no_keys_and_never_beside_them() {
        let among = |names: &'static [&'static str]| move |name: &str| names.contains(&name).then(|| name.to_owned());
        let file = &["AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"];
        let found = bucket().or_aws(among(file));
        assert_eq!((found.credentials_file.as_str(), found.credentials_profile.as_str()), (file[0], file[1]));
        let pod = &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];
        let found = bucket().or_aws(among(pod));
        assert_eq!(found.credentials, CredentialSource::WebIdentity);
        assert_eq!((found.credentials_token_file.as_str(), found.role_arn.as_str()), (pod[0], pod[1]));
        let task = &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
        let found = bucket().or_aws(among(task));
        assert_eq!(found.credentials, CredentialSource::Container);
        assert_eq!((found.credentials_url.as_str(), found.credentials_token_file.as_str()), (task[0], task[1]));
        // A machine is asked for its own keys only if somebody says so.
        assert_eq!(bucket().or_aws(|_| None).credentials, CredentialSource::Given);
        let all = |name: &str| Some(name.to_owned());
        let found = bucket().or_aws(all);
        assert!(found.credentials == CredentialSource::Given && found.credentials_file.is_empty());
        let own = StoreConfig { credentials_file: "/own".into(), ..bucket() }.or_aws(all);
        assert!(
            own.access_key.is_empty() && own.credentials == CredentialSource::Given && own.credentials_file == "/own"
        );
        let machine = StoreConfig { credentials: CredentialSource::Instance, ..bucket() }.or_aws(all);
        assert!(machine.access_key.is_empty() && machine.credentials_file.is_empty());
        assert_eq!(machine.credentials_url, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    }
}
