//! Answers that are none: what they cost the message they belong to, and what they cost the others.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
        Does::Body("<html>".to_owned()),
        Does::Body(r#"{"data":[]}"#.to_owned()),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1.0]}]}"#.to_owned()),
        Does::Body(r#"{"data":[{"index":1,"embedding":[1,1,1,1]}]}"#.to_owned()),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1e39,1,1,1]}]}"#.to_owned()),
        Does::Body(r#"{"choices":[]}"#.to_owned()),
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
    let choice = |rest: &str| Does::Body(format!(r#"{{"choices":[{{"message":{rest}}}]}}"#));
    let say = |content: &str| Does::Say(content.to_owned());
    for (does, outcome) in [
        (Does::Status(400), Outcome::NotTaken),
        (Does::Status(413), Outcome::NotTaken),
        (Does::Status(422), Outcome::NotTaken),
        (choice(r#"{"content":null,"refusal":"no"},"finish_reason":"stop""#), Outcome::NoAnswer),
        (choice(r#"{"tool_calls":[{"id":"a"}]},"finish_reason":"tool_calls""#), Outcome::NoAnswer),
        (choice(r#"{"content":"{\"int"},"finish_reason":"length""#), Outcome::NoAnswer),
        (choice(r#"{"content":""},"finish_reason":"content_filter""#), Outcome::NoAnswer),
        (Does::Body(r#"{"choices":[]}"#.to_owned()), Outcome::NoAnswer),
        (say("I would rather not"), Outcome::OtherForm),
        (say(r#"{"intent":"stock","reply":"I have cancelled your order"}"#), Outcome::OtherForm),
        (say(r#"{"intent":"delete_everything"}"#), Outcome::UnknownIntent),
    ] {
        let understanding = with_pause(&config, FOR_EVER);
        server.now(does);
        server.forget();
        for _ in 0..breaker::FAILURES + 3 {
            assert_stays(&understanding, VAGUE).await;
        }
        assert_eq!(understanding.ask(VAGUE).await.unanswered, Some(outcome));
        assert_eq!(server.seen().len() as u32, breaker::FAILURES + 4);
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
        Does::Body("<html>".to_owned()),
        Does::Body(r#"{"data":[]}"#.to_owned()),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1.0]}]}"#.to_owned()),
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

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_long_before_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        // The question is read first, or its sender takes the answer for a fault.
        let mut question = vec![0; 64 << 10];
        assert!(connection.read(&mut question).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.write_all(head).await.unwrap();
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        while connection.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let understanding = understanding(&UnderstandingConfig { chat: at(&url), ..doubting() });
    assert_eq!(understanding.ask(VAGUE).await.unanswered, Some(Outcome::TooLarge));
    // The connection is closed, so that the other side comes to its end too.
    serving.await.unwrap();
}
