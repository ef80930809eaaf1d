"""Publishes a file to a topic with the Python paho client and prints a line for each thing that comes back.

usage: python3 paho-publish.py HOST PORT USER TOPIC FILE
prints `puback` once the message is acknowledged, and `ack HEX` for the answer on the device's own topic
"""

import sys
import threading

import paho.mqtt.client as mqtt

host, port, user, topic, file = sys.argv[1:]
acks = topic.rsplit("/", 1)[0] + "/acks"
answered = threading.Event()
subscribed = threading.Event()

# paho 2 wants to be told which callbacks these are; paho 1 knows no others.
api = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
client = mqtt.Client(*api, client_id="python-paho", protocol=mqtt.MQTTv311)
client.username_pw_set(user)


def on_message(_client, _data, message):
    print("ack", message.payload.hex(), flush=True)
    answered.set()


client.on_connect = lambda *_: client.subscribe(acks, 0)
client.on_subscribe = lambda *_: subscribed.set()
client.on_publish = lambda *_: print("puback", flush=True)
client.on_message = on_message
client.connect(host, int(port))
client.loop_start()
if not subscribed.wait(10):
    sys.exit("no SUBACK")
with open(file, "rb") as statement:
    message = client.publish(topic, statement.read(), qos=1)
message.wait_for_publish(10)
if not message.is_published():
    sys.exit("no PUBACK")
if not answered.wait(10):
    sys.exit("no answer on " + acks)
client.disconnect()
client.loop_stop()
