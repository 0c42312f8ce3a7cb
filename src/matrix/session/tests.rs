use std::{fs, path::Path};

use matrix_sdk::ruma::{device_id, owned_user_id};

use super::*;

fn login(folder: &Path) -> Login {
    Login {
        homeserver: "http://localhost:8008".parse().unwrap(),
        user_id: owned_user_id!("@bot:hs"),
        credentials: Credentials::Password("secret".to_owned()),
        store_path: folder.to_owned(),
        device_name: "Lambda".to_owned(),
    }
}

fn session() -> MatrixSession {
    MatrixSession {
        meta: SessionMeta {
            user_id: owned_user_id!("@bot:hs"),
            device_id: device_id!("DEVICE").to_owned(),
        },
        tokens: SessionTokens {
            access_token: "token".to_owned(),
            refresh_token: None,
        },
    }
}

/// Each of the SDK's databases is put into this condition before the store is opened.
async fn opened_with(damage: impl Fn(&Path)) -> Vec<Option<StoreFailure>> {
    let mut found = Vec::new();
    for name in ["matrix-sdk-state.sqlite3", CRYPTO_STORE] {
        let folder = tempfile::tempdir().unwrap();
        damage(&folder.path().join(name));
        found.push(restore(&login(folder.path()), session()).await.err());
    }
    found
}

#[tokio::test]
async fn a_database_with_other_content_is_damaged() {
    for failure in opened_with(|path| fs::write(path, [7; 8192]).unwrap()).await {
        let failure = failure.unwrap();
        assert!(
            matches!(failure, StoreFailure::Damaged(_)),
            "{}",
            failure.reason()
        );
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_not_damaged() {
    for failure in opened_with(|path| fs::create_dir(path).unwrap()).await {
        let failure = failure.unwrap();
        assert!(
            matches!(failure, StoreFailure::Unusable(_)),
            "{}",
            failure.reason()
        );
    }
}

fn refused(status: u16, errcode: &str) -> MatrixError {
    MatrixError::Refused {
        status,
        errcode: errcode.to_owned(),
        message: String::new(),
    }
}

#[test]
fn only_credentials_that_were_refused_count_as_refused() {
    for error in [
        refused(403, "M_FORBIDDEN"),
        refused(403, "M_USER_DEACTIVATED"),
        refused(401, "M_MISSING_TOKEN"),
        refused(400, "M_INVALID_USERNAME"),
        MatrixError::UnknownToken { soft_logout: false },
    ] {
        let text = error.to_string();
        assert!(matches!(refusal(error), SessionError::Refused(_)), "{text}");
    }
    for error in [
        MatrixError::Local("no room on the disk".to_owned()),
        refused(404, "M_UNRECOGNIZED"),
        refused(403, "M_RESOURCE_LIMIT_EXCEEDED"),
    ] {
        let text = error.to_string();
        assert!(matches!(refusal(error), SessionError::Failed(_)), "{text}");
    }
    assert!(matches!(
        refusal(MatrixError::ShuttingDown),
        SessionError::ShuttingDown
    ));
}
