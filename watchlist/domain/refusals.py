"""Every refusal of the house.

    Refusal
    ├── Malformed                 the request itself is wrong: correct it and send it again
    ├── NotAllowed                the request is right, this operator may not make it
    ├── NotFound                  nothing of that name here (also: it is another organisation's)
    ├── Conflict                  the state forbids it (the state is told)
    └── Unavailable               nothing was decided: try again later

The first paragraph of a docstring is the sentence told to people in English, the paragraph that
begins with `fr:` the same in French. Neither ever holds a personal value: what varies is
a field's name, a code or a state.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID


class Refusal(Exception):
    """The request was refused.

    fr: La demande est refusée.
    """

    code: ClassVar[str] = "refusal"
    english: ClassVar[str] = ""
    french: ClassVar[str] = ""

    def __init__(
        self, field: str | None = None, *, state: str | None = None, detail: str | None = None
    ) -> None:
        self.field = field
        self.state = state
        self.detail = detail or self.english
        super().__init__(self.code)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.english, cls.french = _sentences(cls)


def _sentences(cls: type[Refusal]) -> tuple[str, str]:
    paragraphs = [" ".join(p.split()) for p in (inspect.cleandoc(cls.__doc__ or "")).split("\n\n")]
    french = [p.removeprefix("fr:").strip() for p in paragraphs if p.startswith("fr:")]
    return paragraphs[0], french[0] if french else ""


class Malformed(Refusal):
    """A field of the request is malformed; correct it and send it again.

    fr: Un champ de la demande est mal formé ; corrigez-le et renvoyez-la.
    """


class NotAllowed(Refusal):
    """This operator may not do that.

    fr: Cette personne habilitée ne peut pas faire cela.
    """


class NotFound(Refusal):
    """There is nothing of that identifier in your organisation.

    fr: Rien ne porte cet identifiant dans votre organisme.
    """


class Conflict(Refusal):
    """The present state forbids it.

    fr: L'état actuel ne le permet pas.
    """


class Unavailable(Refusal):
    """The service cannot answer now; nothing was recorded. Try again shortly.

    fr: Le service ne peut pas répondre maintenant ; rien n'a été enregistré. Réessayez bientôt.
    """


# Malformed ------------------------------------------------------------------------------------


class DateInTheFuture(Malformed):
    """The date is in the future; give a date up to today, in Paris.

    fr: La date est dans l'avenir ; donnez une date jusqu'à aujourd'hui, à Paris.
    """


class DateOutOfRange(Malformed):
    """The date is out of range; check the year.

    fr: La date est hors limites ; vérifiez l'année.
    """


class DeferralOutOfRange(Malformed):
    """A deferred letter is reviewed after today and within six months (L12).

    fr: Une lettre différée est réexaminée après aujourd'hui et dans les six mois (L12).
    """


class DeferralWithoutReason(Malformed):
    """A part of an access export is deferred with a reason and a review date to come (P3).

    fr: Une partie d'un droit d'accès est différée avec un motif et une date de réexamen à venir (P3).
    """


class NoSuchPart(Malformed):
    """An access has no such part: name one of those that can wait, and a case of the person (P3).

    fr: Un droit d'accès n'a pas cette partie : nommez l'une de celles qui peuvent attendre, et un dossier de la
    personne (P3).
    """


class PartOfNoCase(Malformed):
    """Only what belongs to a case is deferred for one case; leave the case out (P3).

    fr: Seul ce qui relève d'un dossier est différé pour un dossier ; n'indiquez pas de dossier (P3).
    """


class AlertTooOld(Malformed):
    """The alert was raised more than six months ago and may no longer be recorded (C1).

    fr: L'alerte date de plus de six mois et ne peut plus être enregistrée (C1).
    """


class SentBeforeItsFacts(Malformed):
    """The letter cannot have been sent before the inscription or the delisting that it tells (L12).

    fr: La lettre n'a pas pu être envoyée avant l'inscription ou la radiation qu'elle annonce (L12).
    """


class TermOutOfRange(Malformed):
    """The term is a whole number of months from 1 to 60 (L1).

    fr: La durée est un nombre entier de mois, de 1 à 60 (L1).
    """


class GroundsMissing(Malformed):
    """Give at least one ground of the closed list, each once (L6).

    fr: Donnez au moins un motif de la liste fermée, chacun une fois (L6).
    """


class UnknownGround(Malformed):
    """The ground is not one of the closed list (L6).

    fr: Le motif n'appartient pas à la liste fermée (L6).
    """


class ProportionalityMissing(Malformed):
    """The proportionality assessment needs gravity, evidence, harm, alternatives and term_reason (L6).

    fr: L'analyse de proportionnalité comprend gravity, evidence, harm, alternatives et term_reason (L6).
    """


class GroundIsAutomatic(Malformed):
    """A term elapses by itself; a person delists on another ground (L9).

    fr: Le terme échoit de lui-même ; une personne radie pour un autre motif (L9).
    """


class SubjectNotInCase(Malformed):
    """The subject does not belong to this case; add it to the case first.

    fr: Cette personne n'appartient pas au dossier ; ajoutez-la d'abord au dossier.
    """


class ProcedureNamesNobody(Malformed):
    """A judicial procedure names at least one subject of the case, each once (C4).

    fr: Une procédure judiciaire vise au moins une personne du dossier, chacune une fois (C4).
    """


class EndsBeforeItBegan(Malformed):
    """The procedure cannot have ended before it was opened.

    fr: La procédure ne peut pas être terminée avant d'être ouverte.
    """


class SubjectNotIdentified(Malformed):
    """An inscription needs an identified subject: an exact identifier, or names and the full birth date (L6).

    fr: Une inscription suppose une personne identifiée : un identifiant exact, ou noms et date de naissance (L6).
    """


class IdentifierRefused(Malformed):
    """The identifier is malformed or not accepted.

    fr: L'identifiant est mal formé ou n'est pas accepté.
    """


class WebhookAddressRefused(Malformed):
    """A webhook's address is https, without a user or a fragment, and leads to a public machine (S8).

    fr: L'adresse d'un webhook est en https, sans utilisateur ni fragment, et mène à une machine publique (S8).
    """


# NotAllowed -----------------------------------------------------------------------------------


class FourEyes(NotAllowed):
    """Whoever proposed or last amended an inscription cannot approve it (L5).

    fr: Qui a proposé ou modifié en dernier une inscription ne peut pas l'approuver (L5).
    """


class RoleNotAllowed(NotAllowed):
    """The role of this key does not allow this operation.

    fr: Le rôle de cette clé ne permet pas cette opération.
    """


class RoleNotHeld(NotAllowed):
    """The role that Watchlist-Role names is not one of yours; GET /v1/me tells them.

    fr: Le rôle que nomme Watchlist-Role n'est pas l'un des vôtres ; GET /v1/me les indique.
    """


class ScopeNotAllowed(NotAllowed):
    """This key is narrowed to scopes that do not hold this operation.

    fr: Cette clé est limitée à des périmètres qui ne comprennent pas cette opération.
    """


# Conflict -------------------------------------------------------------------------------------


class CaseNotQualified(Conflict):
    """The case is not qualified: an alert alone does not allow it (L6, C4).

    fr: Le dossier n'est pas qualifié : une simple alerte ne le permet pas (L6, C4).
    """


class CaseIsClosed(Conflict):
    """The case is closed.

    fr: Le dossier est clos.
    """


class CasePurged(Conflict):
    """The case was purged; only its skeleton remains (C5).

    fr: Le dossier a été purgé ; il n'en reste que le squelette (C5).
    """


class AlreadyQualified(Conflict):
    """The alert was already qualified.

    fr: L'alerte a déjà été qualifiée.
    """


class AlertExpired(Conflict):
    """The alert was not qualified within six months and is to be purged (C1).

    fr: L'alerte n'a pas été qualifiée dans les six mois et doit être purgée (C1).
    """


class ProposalPending(Conflict):
    """A proposal of inscription is pending; have it approved, rejected or withdrawn first (C3).

    fr: Une proposition d'inscription est en attente ; qu'elle soit d'abord approuvée, rejetée ou retirée (C3).
    """


class EntryActive(Conflict):
    """An entry of this case is still active.

    fr: Une inscription de ce dossier est encore active.
    """


class AlreadyProposed(Conflict):
    """This case already has an active or proposed inscription of this subject (L8).

    fr: Ce dossier a déjà une inscription active ou proposée de cette personne (L8).
    """


class NewEvidenceNeeded(Conflict):
    """A second inscription by the same case needs evidence recorded after the first began (L8).

    fr: Une seconde inscription par le même dossier suppose une pièce enregistrée après le début de la première (L8).
    """


class WaitsForItsImport(Conflict):
    """The inscription was imported and takes effect with its batch; approve or reject the import (L7).

    fr: L'inscription vient d'un import et prend effet avec son lot ; approuvez l'import ou rejetez-la (L7).
    """


class IdentifierOfAnother(Conflict):
    """An identifier is already another's, who differs by kind, birth date, RPPS or SIREN; check it, or leave out
    one that several share.

    fr: Un identifiant est déjà celui d'une autre personne, qui diffère par sa nature, sa date de naissance, son
    RPPS ou son SIREN ; vérifiez-le, ou omettez celui que plusieurs partagent.
    """


class IdentityAdds(Conflict):
    """This person is known already, in the register or by an earlier line, without something this line adds (a
    number, a name, a birth date); complete that identity first, then import the line again.

    fr: Cette personne est déjà connue, du registre ou d'une ligne précédente, sans un élément que cette ligne
    ajoute (numéro, nom, date de naissance) ; complétez d'abord son identité, puis importez à nouveau la ligne.
    """


class NotProposed(Conflict):
    """The inscription is not waiting for a decision.

    fr: L'inscription n'attend pas de décision.
    """


class NotListed(Conflict):
    """The inscription is not on the list any more, or not yet.

    fr: L'inscription n'est plus, ou pas encore, sur la liste.
    """


class AlreadyRestricted(Conflict):
    """The inscription is already restricted.

    fr: L'inscription est déjà limitée.
    """


class NotRestricted(Conflict):
    """The inscription is not restricted.

    fr: L'inscription n'est pas limitée.
    """


class ContestedByRequest(Conflict):
    """The entry is restricted by a request of the person, until that is answered or lifted; nothing else lifts it (P2).

    fr: L'inscription est limitée par une demande de la personne, jusqu'à ce qu'il y soit répondu ou qu'elle soit
    levée ; rien d'autre ne la lève (P2).
    """


class NotHeld(Conflict):
    """The inscription is not held past its term by a procedure (L13).

    fr: L'inscription n'est pas maintenue au-delà de sa durée par une procédure (L13).
    """


class LetterAlreadySent(Conflict):
    """The letter was already sent (L12).

    fr: La lettre a déjà été envoyée (L12).
    """


class LetterReplaced(Conflict):
    """The subject was delisted before this letter was sent; the letter on the delisting tells both (L12).

    fr: La radiation a précédé l'envoi de cette lettre ; celle de la radiation informe des deux (L12).
    """


class NoExport(Conflict):
    """What is held of a person is told on a request of access that was not refused (P3).

    fr: Ce qui est détenu d'une personne est communiqué sur une demande d'accès qui n'a pas été refusée (P3).
    """


class LetterReduced(Conflict):
    """A case that was purged or redacted since took with it what this letter told of it (C2, P6). Ask with
    as_printed_now=true to have the rest.

    fr: Un dossier effacé ou expurgé depuis a emporté ce que cette lettre en disait (C2, P6). Demandez-la avec
    as_printed_now=true pour avoir le reste.
    """


class LetterDiffers(Conflict):
    """The letter is no longer printed byte for byte as it was sent: its words are the same, its engine is another.
    Ask with as_printed_now=true to have it nevertheless.

    fr: La lettre ne s'imprime plus à l'octet près comme elle fut envoyée : les mots sont les mêmes, l'outil a changé.
    Demandez-la avec as_printed_now=true pour l'avoir malgré tout.
    """


class ProcedureNotOngoing(Conflict):
    """The procedure is not ongoing for that subject (C4).

    fr: La procédure n'est pas en cours pour cette personne (C4).
    """


class VictimNotListed(Conflict):
    """The subject is recorded as a victim in this case and cannot be listed by it (L10).

    fr: La personne est enregistrée comme victime dans ce dossier, qui ne peut pas l'inscrire (L10).
    """


class SubjectDeceased(Conflict):
    """The subject's death is recorded.

    fr: Le décès de la personne est enregistré.
    """


class SubjectMerged(Conflict):
    """The subject was merged into another of your organisation; use that one (C8).

    fr: La personne a été fusionnée avec une autre de votre organisme ; utilisez celle-ci (C8).
    """


class NotMerged(Conflict):
    """The subject is not merged into that one.

    fr: La personne n'est pas fusionnée avec celle-ci.
    """


class SameSubject(Malformed):
    """A subject cannot be merged with itself.

    fr: Une personne ne peut pas être fusionnée avec elle-même.
    """


class BatchAlreadyApproved(Conflict):
    """The import was already approved.

    fr: L'import a déjà été approuvé.
    """


class TermElapsed(Conflict):
    """The term of the inscription has already elapsed (L7).

    fr: La durée de l'inscription est déjà écoulée (L7).
    """


class StaleVersion(Conflict):
    """The record changed since you read it; read it again and repeat your change.

    fr: L'enregistrement a changé depuis votre lecture ; relisez-le et refaites votre modification.
    """


class SubjectIsErased(Conflict):
    """The subject is erased: nothing of it is kept, and nothing can be added to it (P6).

    fr: Les données de cette personne sont effacées : rien n'en est conservé, rien ne peut y être ajouté (P6).
    """


class ProcedureForbidsErasure(Conflict):
    """A judicial procedure that names the subject is ongoing, or its limitation still runs (P6, art. 17(3)(e)).

    fr: Une procédure judiciaire visant la personne est en cours, ou sa prescription court encore (P6,
    art. 17(3)(e)).
    """


class TextsNameTheSubject(Conflict):
    """Texts of cases that stay name the subject; redact each of them, then erase (P6).

    fr: Des textes de dossiers conservés nomment la personne ; occultez chacun d'eux, puis effacez (P6).
    """

    def __init__(self, texts: Iterable[tuple[UUID, UUID]]) -> None:
        super().__init__("subject_id", state="named")
        self.texts = tuple(texts)
        """The case and the id of each such text."""


class HitNoLongerStands(Conflict):
    """The hit no longer stands: there is nothing to ask about it, or to take back (C6, S7).

    fr: La réponse positive ne vaut plus : il n'y a plus rien à demander ni à reprendre (C6, S7).
    """


class EntryNotTold(Conflict):
    """The entry would not be told as a hit now: nothing of it is told, and the question can only be refused (C6, S2).

    fr: L'inscription ne donnerait plus de réponse positive : rien n'en est communiqué, la question ne peut qu'être
    refusée (C6, S2).
    """


class AlreadyAnswered(Conflict):
    """The question was answered, refused or closed already (C6).

    fr: La question a déjà reçu une réponse, un refus, ou a été close (C6).
    """


class AlreadyRedacted(Conflict):
    """The text was redacted already; what remains of it has an id of its own.

    fr: Le texte a déjà été occulté ; ce qu'il en reste a son propre identifiant.
    """


class NotSealedYet(Conflict):
    """This event is in no checkpoint yet: POST /v1/audit/checkpoint seals now, or ask again in a minute.

    fr: Cet événement n'est pas encore scellé : POST /v1/audit/checkpoint le fait, ou redemandez dans une minute.
    """


class TooManyWebhooks(Conflict):
    """Your organisation has ten webhooks, and no more are kept; remove one.

    fr: Votre organisme a dix webhooks, et il n'en est pas conservé davantage ; retirez-en un.
    """


class TooManySecrets(Conflict):
    """This webhook has two live secrets; retire one before you make another.

    fr: Ce webhook a deux secrets en vigueur ; retirez-en un avant d'en créer un autre.
    """


class LastSecret(Conflict):
    """This is the webhook's only live secret; make another before you retire it.

    fr: C'est le seul secret en vigueur de ce webhook ; créez-en un autre avant de le retirer.
    """


# NotFound -------------------------------------------------------------------------------------


class NoSuchCase(NotFound):
    """There is no such case in your organisation.

    fr: Ce dossier n'existe pas dans votre organisme.
    """


class NoSuchSubject(NotFound):
    """There is no such subject in your organisation.

    fr: Cette personne n'existe pas dans votre organisme.
    """


class NoSuchInscription(NotFound):
    """There is no such inscription in your organisation.

    fr: Cette inscription n'existe pas dans votre organisme.
    """


class NoSuchProcedure(NotFound):
    """There is no such procedure in this case.

    fr: Cette procédure n'existe pas dans ce dossier.
    """


class NoSuchText(NotFound):
    """There is no such text in this case.

    fr: Ce texte n'existe pas dans ce dossier.
    """


class NoSuchErasure(NotFound):
    """There is no such erasure in your organisation.

    fr: Cet effacement n'existe pas dans votre organisme.
    """


class NoSuchDisclosure(NotFound):
    """There is no such disclosure in your organisation.

    fr: Cette communication n'existe pas dans votre organisme.
    """


class NoSuchHit(NotFound):
    """No hit was told to your organisation under this screening and key, or what it was about is gone.

    fr: Aucune réponse positive n'a été donnée à votre organisme sous cette interrogation et cette clé, ou ce dont elle
    parlait n'est plus conservé.
    """


class NoSuchDetailRequest(NotFound):
    """No such question was asked of your organisation.

    fr: Cette question n'a pas été posée à votre organisme.
    """


class NoSuchLetter(NotFound):
    """There is no such letter in your organisation.

    fr: Cette lettre n'existe pas dans votre organisme.
    """


class LetterErased(NotFound):
    """The person's data were erased, and this letter with them (P6).

    fr: Les données de la personne ont été effacées, et cette lettre avec elles (P6).
    """


class NoSuchImport(NotFound):
    """There is no such import in your organisation.

    fr: Cet import n'existe pas dans votre organisme.
    """


class NoSuchChange(NotFound):
    """Your organisation was told of no such change.

    fr: Votre organisme n'a été informé d'aucun changement de ce numéro.
    """


class NoSuchCheckpoint(NotFound):
    """No checkpoint of that size was published: GET /v1/audit/checkpoints lists all, a POST makes the first.

    fr: Aucun point de contrôle de cette taille : GET /v1/audit/checkpoints les liste, un POST fait le premier.
    """


class NoSuchEvent(NotFound):
    """No event has that position; positions have gaps.

    fr: Aucun événement n'a cette position ; les positions ont des trous.
    """


class NoSuchWebhook(NotFound):
    """There is no such webhook in your organisation.

    fr: Ce webhook n'existe pas dans votre organisme.
    """


class NoSuchSecret(NotFound):
    """This webhook has no such secret.

    fr: Ce webhook n'a pas ce secret.
    """


class SizeNotReached(Malformed):
    """No tree of that size was published; the last one's is `tree_size` of GET /v1/audit/checkpoint.

    fr: Aucun arbre de cette taille n'a été publié ; celle du dernier est dans GET /v1/audit/checkpoint.
    """


class SizesReversed(Malformed):
    """The smaller tree comes first: `from` is at most `to`.

    fr: Le plus petit arbre vient en premier : « from » est au plus « to ».
    """


class EventNotInTree(Malformed):
    """This event was sealed later than the tree of that size: name a larger one, or none.

    fr: Cet événement a été scellé après l'arbre de cette taille : indiquez-en un plus grand, ou aucun.
    """


# Unavailable ----------------------------------------------------------------------------------


class IssuerUnavailable(Unavailable):
    """The identity provider cannot be asked for its keys now; try again shortly, or use an API key.

    fr: Le fournisseur d'identité ne peut pas être interrogé maintenant ; réessayez bientôt, ou utilisez une clé.
    """


class Busy(Unavailable):
    """The register is busy; nothing was recorded. Try again shortly.

    fr: Le registre est occupé ; rien n'a été enregistré. Réessayez bientôt.
    """


class RecordUnreadable(Unavailable):
    """This was recorded by a newer version of the service, or is not as recorded; nothing was decided. Tell the
    service's operator.

    fr: Ceci a été enregistré par une version plus récente du service, ou n'est plus tel qu'enregistré ; rien n'a été
    décidé. Prévenez l'exploitant.
    """


class KeyLost(Unavailable):
    """These data cannot be opened: a key or a ciphertext is lost. They are not erased; tell the service's operator.

    fr: Ces données ne s'ouvrent pas : une clé ou un chiffré est perdu. Elles ne sont pas effacées ;
    prévenez l'exploitant.
    """


class LookupsIncomplete(Unavailable):
    """The look-up key stays: some look-ups cannot be made under the new one (`watchlist doctor` counts lost keys).

    fr: La clé de recherche reste : des recherches ne peuvent pas être refaites sous la nouvelle (clés perdues).
    """


class ClockSkewed(Unavailable):
    """The clock of this service and the database's differ by more than two seconds; nothing was recorded.

    fr: L'horloge du service et celle de la base diffèrent de plus de deux secondes ; rien n'a été enregistré.
    """


class LettersUnavailable(Unavailable):
    """Letters cannot be printed here: install the extra `letters` (pip install 'watchlist[letters]').

    fr: Les lettres ne peuvent pas être imprimées ici : installez l'extra « letters »
    (pip install 'watchlist[letters]').
    """


class PastChanged(Unavailable):
    """What was sealed is not what is recorded now: nothing more is sealed until somebody has looked into it.

    fr: Ce qui a été scellé n'est pas ce qui est enregistré : plus rien n'est scellé tant que personne ne l'a examiné.
    """


class NoSealKey(Unavailable):
    """The keys that seal the log are not here: restore seal.key into the data folder, or set WATCHLIST_SEAL_KEY_FILE.

    fr: Les clés qui scellent le journal ne sont pas ici : restaurez seal.key ou indiquez WATCHLIST_SEAL_KEY_FILE.
    """


class NoSealMemory(Unavailable):
    """What was signed last cannot be read or kept in the data folder (seal.signed): without it nothing is signed.

    fr: Ce qui a été signé en dernier ne peut être lu ou gardé dans le dossier de données (seal.signed) : sans cela,
    rien n'est signé.
    """
