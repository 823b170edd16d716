// A task is a function of its input. What it returns is the job's result; what it throws makes the attempt fail.
(input, context) => {
  const greetings = { de: "Hallo", en: "Hello", es: "Hola", fr: "Bonjour", ja: "こんにちは" };
  const language = input.language ?? "en";
  console.log(`attempt ${context.attempt} of job ${context.jobId}`);
  return { greeting: `${greetings[language]}, ${input.name.trim()}!`, language };
}
