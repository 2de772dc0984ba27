//! What a message means: the built-in classifier first, and a server only for what it is not sure of. It may not decide what is
//! done about it; that is the dialogue's business.

pub mod catalogue;
