//! The other person: plain requests of the client-server API.

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use url::Url;

pub(crate) struct Person {
    pub(crate) id: OwnedUserId,
    token: String,
    homeserver: Url,
    http: Client,
}

impl Person {
    pub(crate) fn new(homeserver: Url, id: OwnedUserId, token: String) -> Self {
        Self {
            id,
            token,
            homeserver,
            http: Client::new(),
        }
    }

    pub(crate) async fn makes_a_room(&self) -> OwnedRoomId {
        let answer = self
            .asks(
                Method::POST,
                &["createRoom"],
                &json!({"preset": "private_chat"}),
            )
            .await;
        answer["room_id"].as_str().unwrap().try_into().unwrap()
    }

    /// `POST /rooms/{room}/{action}`.
    pub(crate) async fn acts(&self, room: &RoomId, action: &str, body: &Value) {
        self.asks(Method::POST, &["rooms", room.as_str(), action], body)
            .await;
    }

    pub(crate) async fn sends(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &Value,
    ) -> OwnedEventId {
        let transaction = uuid::Uuid::new_v4().to_string();
        let path = ["rooms", room.as_str(), "send", event_type, &transaction];
        let answer = self.asks(Method::PUT, &path, content).await;
        answer["event_id"].as_str().unwrap().try_into().unwrap()
    }

    /// `PUT` of something that has an address of its own.
    pub(crate) async fn puts(&self, path: &[&str], content: &Value) {
        self.asks(Method::PUT, path, content).await;
    }

    async fn asks(&self, method: Method, path: &[&str], body: &Value) -> Value {
        let mut url = self.homeserver.clone();
        url.path_segments_mut()
            .unwrap()
            .extend(["_matrix", "client", "v3"])
            .extend(path);
        let answer = self
            .http
            .request(method, url.clone())
            .bearer_auth(&self.token)
            .json(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let content: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {content}");
        content
    }
}
