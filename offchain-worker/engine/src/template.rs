//! The checkpoint's own chat template.

use minijinja::{context, Environment, Value};

/// The template can't be read or fails on a plain message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the chat template does not work: {0}")]
pub struct TemplateError(String);

/// A chat template, tried once so that it can't fail later for its own faults.
#[derive(Debug)]
pub struct ChatTemplate {
	environment: Environment<'static>,
}

const NAME: &str = "chat";

impl ChatTemplate {
	/// Reads a Jinja template.
	pub fn new(source: &str) -> Result<Self, TemplateError> {
		let fail = |e: minijinja::Error| TemplateError(format!("{e:#}"));
		let mut environment = Environment::new();
		environment.set_undefined_behavior(minijinja::UndefinedBehavior::Lenient);
		environment.set_fuel(Some(1_000_000));
		environment.add_template_owned(NAME, source.to_owned()).map_err(fail)?;
		let template = Self { environment };
		template.try_apply("Hello").map_err(fail)?;
		Ok(template)
	}

	fn try_apply(&self, message: &str) -> Result<String, minijinja::Error> {
		let user = context! { role => "user", content => message };
		let messages: Vec<Value> = vec![user];
		self.environment.get_template(NAME)?.render(context! { messages, add_generation_prompt => true })
	}

	/// One user message and the beginning of the answer. A template that fails on this message alone leaves it
	/// as it is, so that every input has a result.
	pub fn apply(&self, message: &str) -> String {
		self.try_apply(message).unwrap_or_else(|_| message.to_owned())
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
		let text = ChatTemplate::new(SMOLLM2).unwrap().apply("Hi {{ x }} & <b>");
		assert_eq!(
			text,
			"<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n\
			 <|im_start|>user\nHi {{ x }} & <b><|im_end|>\n<|im_start|>assistant\n"
		);
	}

	#[test]
	fn template_should_be_refused_when_it_can_not_work() {
		assert!(ChatTemplate::new("{% for %}").is_err());
		assert!(ChatTemplate::new("{{ nothing() }}").is_err());
		assert!(ChatTemplate::new(
			"{% for i in range(100000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}"
		)
		.is_err());
	}
}
