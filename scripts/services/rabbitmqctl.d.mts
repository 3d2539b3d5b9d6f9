/**
 * Runs rabbitmqctl on the RabbitMQ that was started here, and gives what it wrote: for limits and alarms, which no
 * protocol of it reaches.
 * @throws Error when none was started natively, and with what rabbitmqctl says when it fails.
 */
export function rabbitmqctl(...args: readonly string[]): Promise<string>;
