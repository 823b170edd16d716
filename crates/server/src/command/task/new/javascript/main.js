// The function's parameters are the job's input and what is known of its run (jobId, attempt, scheduledFor, …). What it
// returns is the job's result; what it throws makes the attempt fail. It may be async, and use fetch.
(input, context) => {
  const name = input.name.trim();
  if (name === "") {
    throw new Error("name is empty: there is nobody to greet");
  }
  console.log(`attempt ${context.attempt}: greeting ${name}`);
  return { greeting: `Hello, ${name}!` };
}
