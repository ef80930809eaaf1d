import pino from 'pino';
import { startGateway } from '../../gateway/main.ts';
import { type Command, EXIT } from '../cli.ts';
import { CONFIG_OPTION, configOf } from '../store-access.ts';

export const serve: Command = {
  name: 'serve',
  summary: 'Run the gateway from one configuration file',
  options: { config: CONFIG_OPTION },
  help: `
Writes one JSON line to standard output when it is ready ({"ready":true,"mqtt":PORT,"http":PORT}, with "mqttTls":PORT where
there is TLS; without the embedded broker "mqtt" is null) and its log to standard error. SIGTERM or SIGINT stops it cleanly:
what was taken is committed and acknowledged first. Killed at any moment, it
goes on at the next start from what is stored; nothing acknowledged is missing.`,
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    const logger = pino({ level: config.logLevel, base: null }, pino.destination(2));
    const gateway = await startGateway(config, { clock: { now: Date.now }, logger });
    const { mqttTlsPort: mqttTls, httpPort: http } = gateway;
    const mqtt = config.mqtt.enabled ? gateway.mqttPort : null;
    io.out(JSON.stringify({ ready: true, mqtt, ...(mqttTls > 0 && { mqttTls }), http }));
    const stopped = new Promise<undefined>((resolve) =>
      io.stopped.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    const failure = io.stopped.aborted ? undefined : await Promise.race([stopped, gateway.failed]);
    if (failure !== undefined) {
      logger.error({ code: failure.code, ...failure.details }, failure.message);
      io.err(`vitalseal serve: ${failure.message}`);
    }
    await gateway.close();
    logger.info({}, 'stopped');
    return failure === undefined ? EXIT.ok : EXIT.unavailable;
  },
};
