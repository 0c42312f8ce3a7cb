//! The contract of the fakes over the real client, on a real homeserver. Not part of `cargo test`: the homeserver suite
//! starts a homeserver and runs this target (`tests/homeserver/test_client_contract.py`).

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may end the test, as tests themselves may"
)]

#[path = "../integration/contract/cases.rs"]
mod cases;
mod homeserver;
mod person;
#[path = "../integration/contract/stage.rs"]
mod stage;

macro_rules! over_the_real_client {
    ($($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                cases::$case(homeserver::RealStage::open().await).await;
            }
        )*
    };
}
cases::contract_cases!(over_the_real_client);
