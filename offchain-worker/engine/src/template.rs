//! What a chat puts before and after its message.
//!
//! A job's chat is the prefix, the message, the suffix, byte for byte. Models bring a Jinja template instead; it is read
//! once, when a model is imported, and refused when it does anything else.

use minijinja::{context, Environment, Value};
use noesis_canon::tokenizer::MAX_AFFIX_BYTES;
use serde::{Deserialize, Serialize};

/// Why a Jinja template can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
	/// It can't be read, or fails on a plain message.
	#[error("the chat template does not work: {0}")]
	Broken(String),
	/// It does not leave a message as it is, or what it puts around it depends on the message.
	#[error(
		"the chat template does more than put the same text before and after every message (tried with {0:?}): such \
		 a model can be imported only with another template"
	)]
	Depends(String),
	/// It puts too much around a message.
	#[error("the chat template puts {0} bytes before or after a message, more than {MAX_AFFIX_BYTES}")]
	Long(usize),
}

/// What a chat puts before and after its one message, the beginning of the answer included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChatTemplate {
	/// Before.
	pub prefix: String,
	/// After.
	pub suffix: String,
}

/// A message that no template has in it.
const MARK: &str = "\u{1}message\u{2}";

/// Messages that a template changes if it trims, escapes, folds case, cuts, or looks at what it is given.
const PROBES: [&str; 10] = [
	"",
	"Hello",
	" \t\n two\n\nlines \u{a0}\n",
	"<b>&amp; \"quoted\" 'text' \\n</b>",
	"{{ message }} {% if x %}{# y #}{% endif %}",
	"UPPER lower Ünï\u{301} 漢字 🙂\u{0}\u{7f}",
	"<|im_start|>system\nYou<|im_end|>",
	"<think>a</think>b [INST] c [/INST] <<SYS>>",
	"/no_think",
	"1234567890",
];

impl ChatTemplate {
	/// Reads a Jinja template.
	pub fn from_jinja(source: &str) -> Result<Self, TemplateError> {
		let broken = |e: minijinja::Error| TemplateError::Broken(format!("{e:#}"));
		let mut environment = Environment::new();
		environment.set_undefined_behavior(minijinja::UndefinedBehavior::Lenient);
		environment.set_fuel(Some(100_000));
		let template = environment.template_from_str(source).map_err(broken)?;
		let render = |message: &str| {
			let user = context! { role => "user", content => message };
			let messages: Vec<Value> = vec![user];
			template.render(context! { messages, add_generation_prompt => true }).map_err(broken)
		};
		let depends = |message: &str| TemplateError::Depends(message.to_owned());
		let text = render(MARK)?;
		let (prefix, suffix) = text.split_once(MARK).ok_or_else(|| depends(MARK))?;
		let found = Self { prefix: prefix.to_owned(), suffix: suffix.to_owned() };
		// Before it is rendered again: nobody waits for a template that writes megabytes.
		found.check()?;
		let long = "x".repeat(5000);
		for probe in PROBES.into_iter().chain([long.as_str()]) {
			if render(probe)? != found.apply(probe) {
				return Err(depends(&probe.chars().take(40).collect::<String>()));
			}
		}
		Ok(found)
	}

	/// Whether prefix and suffix are not too long.
	pub fn check(&self) -> Result<(), TemplateError> {
		match self.prefix.len().max(self.suffix.len()) {
			length if length > MAX_AFFIX_BYTES => Err(TemplateError::Long(length)),
			_ => Ok(()),
		}
	}

	/// One user message and the beginning of the answer.
	pub fn apply(&self, message: &str) -> String {
		[&self.prefix, message, &self.suffix].concat()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
		{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}\
		{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}\
		{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

	#[test]
	fn template_should_wrap_a_message_when_it_is_smollm2s() {
		let template = ChatTemplate::from_jinja(SMOLLM2).unwrap();
		assert_eq!(
			template.apply("Hi {{ x }} & <b>"),
			"<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n\
			 <|im_start|>user\nHi {{ x }} & <b><|im_end|>\n<|im_start|>assistant\n"
		);
	}

	#[test]
	fn template_should_be_refused_at_its_first_rendering_when_it_writes_too_much() {
		// It changes messages, too, which only further renderings would show.
		let source = "{{ 'x' * 5000 ~ messages[0]['content'] | trim }}";
		assert_eq!(ChatTemplate::from_jinja(source), Err(TemplateError::Long(5000)));
	}

	#[test]
	fn template_should_be_refused_when_it_can_not_work() {
		for source in [
			"{% for %}",
			"{{ nothing() }}",
			"{% for i in range(100000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}",
		] {
			assert!(matches!(ChatTemplate::from_jinja(source), Err(TemplateError::Broken(_))), "{source}");
		}
	}

	#[test]
	fn template_should_be_refused_when_it_does_not_leave_messages_alone() {
		let around = |content: &str| format!("a {{{{ {content} }}}} b");
		let content = "messages[0]['content']";
		assert!(ChatTemplate::from_jinja(&around(content)).is_ok());
		for source in [
			around("messages[0]['content'] | trim"),
			around("messages[0]['content'] | upper"),
			around("messages[0]['content'] | escape"),
			around("messages[0]['content'][:100]"),
			around("messages[0]['content'] ~ messages[0]['content']"),
			around("messages[0]['content'] | length"),
			around("messages[0]['content'] or 'nothing'"),
			around("messages[0]['content'].split('</think>') | last"),
			around("1"),
			format!("{{% if messages[0]['content'] == 'Hello' %}}x{{% endif %}}{}", around(content)),
		] {
			let error = ChatTemplate::from_jinja(&source).unwrap_err();
			assert!(
				matches!(error, TemplateError::Depends(_) | TemplateError::Broken(_)),
				"{source}: {error}"
			);
		}
	}

	#[test]
	fn template_should_be_refused_when_it_is_too_long() {
		let source = "p".repeat(MAX_AFFIX_BYTES + 1) + "{{ messages[0]['content'] }}";
		assert_eq!(ChatTemplate::from_jinja(&source), Err(TemplateError::Long(MAX_AFFIX_BYTES + 1)));
		assert!(ChatTemplate::from_jinja(&source[1..]).is_ok());
	}
}
