use futures_util::StreamExt;
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::handshake::server::{ErrorResponse, Request, Response},
};

use super::{super::tests::spawn, *};
use crate::platform::Advice;

/// A server for one connection, and how a client finds it.
async fn server(scheme: &str) -> (TcpListener, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let socket = Socket {
        url: Url::parse(&format!("{scheme}://{address}/acp")).unwrap(),
        token: Some(Secret::new("s3cret")),
    };
    (listener, socket)
}

/// Accepts whoever has the token, at the right path.
#[expect(clippy::result_large_err, reason = "the library's own signature")]
async fn accept(listener: &TcpListener) -> WebSocketStream<tokio::net::TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/acp");
        if request.headers()[AUTHORIZATION] == "Bearer s3cret" {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = tungstenite::http::StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    accept_hdr_async(stream, check).await.unwrap()
}

async fn next(link: &mut Link) -> io::Result<Incoming> {
    let next = timeout(Duration::from_mins(2), link.incoming.next()).await;
    next.unwrap().unwrap()
}

async fn trouble(socket: &Socket) -> Trouble {
    match socket.dial().await {
        Ok(_) => panic!("it was opened"),
        Err(trouble) => trouble,
    }
}

#[tokio::test]
async fn each_text_frame_is_a_message_and_the_token_goes_with_the_request() {
    let (listener, socket) = server("ws").await;
    let (mut far, link) = tokio::join!(accept(&listener), socket.dial());
    let mut link = link.unwrap();
    far.send(Message::text("{\"a\":1}")).await.unwrap();
    far.send(Message::binary(b"{}".to_vec())).await.unwrap();
    assert_eq!(
        next(&mut link).await.unwrap(),
        Incoming::Message("{\"a\":1}".to_owned())
    );
    assert_eq!(
        next(&mut link).await.unwrap(),
        Incoming::Message("{}".to_owned())
    );
    link.outgoing
        .send(Outgoing::Message("hello".to_owned()))
        .await
        .unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), Message::text("hello"));
    link.outgoing.send(Outgoing::Pulse).await.unwrap();
    let ping = far.next().await.unwrap().unwrap();
    assert!(ping.is_ping(), "{ping:?}");
    far.flush().await.unwrap();
    assert_eq!(next(&mut link).await.unwrap(), Incoming::Pulse);
    far.close(None).await.unwrap();
    assert!(next(&mut link).await.is_err());
}

#[tokio::test]
async fn a_huge_frame_ends_the_connection() {
    let (listener, socket) = server("ws").await;
    let (mut far, link) = tokio::join!(accept(&listener), socket.dial());
    let mut link = link.unwrap();
    let sending = spawn(async move {
        let _ = far
            .send(Message::text("x".repeat(LONGEST_MESSAGE + 1)))
            .await;
        far
    });
    assert!(next(&mut link).await.is_err());
    drop(link);
    drop(sending.await);
}

#[tokio::test]
async fn a_token_that_is_refused_is_for_the_operator_and_a_server_that_is_away_is_not() {
    let (listener, mut socket) = server("ws").await;
    socket.token = None;
    let refusing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream
    };
    let (_stream, refused) = tokio::join!(refusing, trouble(&socket));
    assert_eq!(refused.advice, Advice::TellOperator, "{refused:?}");
    drop(listener);
    let away = trouble(&socket).await;
    assert_eq!(away.advice, Advice::TryAgain, "{away:?}");
    assert!(!format!("{refused:?}{away:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_fails_and_ends_nothing() {
    let (listener, socket) = server("wss").await;
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"not a handshake at all\r\n")
            .await
            .unwrap();
        stream
    };
    let (_stream, failed) = tokio::join!(answering, trouble(&socket));
    assert_eq!(failed.advice, Advice::TryAgain, "{failed:?}");
}
