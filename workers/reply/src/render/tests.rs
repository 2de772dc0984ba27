use super::*;
use peyvand::assistant::Assistant;

fn replies() -> Replies {
    Assistant::shipped().unwrap().replies
}

#[test]
fn the_shipped_replies_have_every_message_in_both_languages() {
    assert!(Renderer::new(&replies()).is_ok(), "{:?}", Renderer::new(&replies()));
}

#[test]
fn replies_that_lack_a_message_are_refused_by_name() {
    let mut replies = replies();
    replies.en = replies.en.replace("thanks = ", "thank = ");
    let error = Renderer::new(&replies).unwrap_err();
    assert_eq!(error.to_string(), "replies/en.ftl has mistakes: the message thanks is missing");
}
