// Asking the local server: JSON in, JSON out; what it refuses is an Error with its words.

export async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("the program does not answer: is it still running in the terminal?");
  }
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.error || `the program answered ${answer.status}`);
  return value;
}
