//! Answers that are none: what they cost the message they belong to, and what they cost the others.

use super::*;

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn what_a_language_model_may_not_say_is_refused_and_the_built_in_answer_stays() {
    for said in [
        r#"{"intent":"delete_everything"}"#,
        r#"{"intent":"stock","reply":"I have cancelled your order"}"#,
        r#"{"intent":7}"#,
        "stock",
        "",
    ] {
        let server = Server::start(Does::Say(said.to_owned())).await;
        assert_stays(&with_chat(&server), VAGUE).await;
        assert_eq!(server.seen().len(), 1, "{said}");
    }
}

#[tokio::test]
async fn whatever_a_server_answers_instead_leaves_the_built_in_answer() {
    let server = Server::start(Does::Embed).await;
    for does in [
        Does::Status(429),
        Does::Status(500),
        Does::Status(307),
        Does::Body("<html>"),
        Does::Body(r#"{"data":[]}"#),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1.0]}]}"#),
        Does::Body(r#"{"data":[{"index":1,"embedding":[1,1,1,1]}]}"#),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1e39,1,1,1]}]}"#),
        Does::Body(r#"{"choices":[]}"#),
    ] {
        server.now(Does::Embed);
        let understanding = with_embeddings(&server).await;
        server.now(does);
        assert_stays(&understanding, VAGUE).await;
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn after_five_failures_in_a_row_the_server_is_left_alone_and_one_probe_brings_it_back() {
    let server = Server::start(Does::Status(500)).await;
    let understanding = with_chat(&server);
    for _ in 0..breaker::FAILURES + 3 {
        assert_stays(&understanding, VAGUE).await;
    }
    // A pause may have ended under way, on a machine that is busy.
    let asked = server.seen().len();
    assert!((breaker::FAILURES as usize..breaker::FAILURES as usize + 3).contains(&asked), "{asked}");
    server.now(Does::Say(r#"{"intent":"stock"}"#.to_owned()));
    let until = Instant::now() + Duration::from_secs(20);
    while understanding.ask(VAGUE).await.backend != Backend::Chat {
        assert!(Instant::now() < until, "it never came back");
        tokio::task::yield_now().await;
    }
    assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Chat);
}

#[tokio::test]
async fn messages_that_a_language_model_says_nothing_about_close_it_for_nobody() {
    let server = Server::start(Does::Nothing).await;
    let config = UnderstandingConfig { chat: at(&server.url), ..doubting() };
    for does in [
        Does::Status(400),
        Does::Status(413),
        Does::Status(422),
        Does::Body(r#"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#),
        Does::Body(r#"{"choices":[{"message":{"tool_calls":[{"id":"a"}]},"finish_reason":"tool_calls"}]}"#),
        Does::Body(r#"{"choices":[{"message":{"content":"{\"int"},"finish_reason":"length"}]}"#),
        Does::Body(r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#),
        Does::Body(r#"{"choices":[]}"#),
        Does::Say("I would rather not".to_owned()),
        Does::Say(r#"{"intent":"delete_everything"}"#.to_owned()),
    ] {
        let understanding = with_pause(&config, FOR_EVER);
        server.now(does);
        server.forget();
        for _ in 0..breaker::FAILURES + 3 {
            assert_stays(&understanding, VAGUE).await;
        }
        assert_eq!(server.seen().len() as u32, breaker::FAILURES + 3);
        server.now(Does::Say(r#"{"intent":"stock"}"#.to_owned()));
        assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Chat);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_its_protocol_is_left_alone() {
    let server = Server::start(Does::Embed).await;
    let config = UnderstandingConfig { embeddings: at(&server.url), ..doubting() };
    for does in [
        Does::Status(429),
        Does::Body("<html>"),
        Does::Body(r#"{"data":[]}"#),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1.0]}]}"#),
    ] {
        server.now(Does::Embed);
        let understanding = with_pause(&config, FOR_EVER);
        understanding.prepare().await.unwrap();
        server.now(does);
        server.forget();
        for _ in 0..breaker::FAILURES + 3 {
            assert_stays(&understanding, VAGUE).await;
        }
        assert_eq!(server.seen().len() as u32, breaker::FAILURES);
    }
}

#[tokio::test]
async fn an_answer_that_is_longer_than_the_question_can_need_is_not_read() {
    let server = Server::start(Does::Embed).await;
    let understanding = with_embeddings(&server).await;
    server.now(Does::EmbedBehind(1 << 10));
    assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Embeddings);
    server.now(Does::EmbedBehind(1 << 20));
    assert_stays(&understanding, VAGUE).await;

    let server = Server::start(Does::Say(r#"{"intent":"stock"}"#.to_owned() + &" ".repeat(1 << 10))).await;
    let understanding = with_chat(&server);
    assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Chat);
    server.now(Does::Say(r#"{"intent":"stock"}"#.to_owned() + &" ".repeat(1 << 20)));
    assert_stays(&understanding, VAGUE).await;
}
